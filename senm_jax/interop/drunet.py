"""DRUNet checkpoints of KAIR and DPIR.

A stage is one flat sequence: on the way down its blocks and then the strided convolution, on the
way up the transposed one and then the blocks. A sequence of one block loses its number.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop import torch_layout
from senm_jax.interop.torch_layout import Entry


def architecture(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of `nn.drunet.DRUNet` that a state dict shows."""
    levels = len({name.split(".")[0] for name in state if re.match(r"m_down\d+\.", name)})
    count = sum(1 for name in state if re.fullmatch(r"m_down1\.\d+\.res\.0\.weight", name))
    head, tail = (np.shape(state[f"m_{name}.weight"]) for name in ("head", "tail"))
    widths = [head[0]]
    for level in range(1, levels + 1):
        widths.append(np.shape(state[f"m_down{level}.{count}.weight"])[0])
    return {
        "widths": tuple(widths), "blocks": count, "bias": "m_head.bias" in state,
        "noise_map": head[1] == tail[0] + 1, "channels": tail[0],
    }


def network(widths: tuple[int, ...], blocks: int, bias: bool) -> dict[str, Entry]:
    """The table of a DRUNet."""
    table = {}

    def conv(official, *path, layout=None, last=()):
        table[f"{official}.weight"] = Entry(("params", *path, *last, "kernel"), layout=layout)
        if bias:
            table[f"{official}.bias"] = Entry(("params", *path, "bias"))

    def stage(official, name, first=0):
        for i in range(blocks):
            place = f"{official}.{i + first}" if blocks + first > 1 else official
            conv(f"{place}.res.0", f"{name}_{i}", "conv1")
            conv(f"{place}.res.2", f"{name}_{i}", "conv2")

    levels = range(1, len(widths))
    conv("m_head", "head")
    for level in levels:
        for i in range(blocks):
            conv(f"m_down{level}.{i}.res.0", f"down_{level}_{i}", "conv1")
            conv(f"m_down{level}.{i}.res.2", f"down_{level}_{i}", "conv2")
        conv(f"m_down{level}.{blocks}", f"shrink_{level}")
    stage("m_body", "body")
    for level in reversed(levels):
        conv(f"m_up{level}.0", f"enlarge_{level}", layout=torch_layout.TRANSPOSED, last=("conv",))
        stage(f"m_up{level}", f"up_{level}", 1)
    conv("m_tail", "tail")
    return table

"""RRDBNet checkpoints, by the names of the first ESRGAN release.

`first_names` turns BasicSR's and KAIR's into them; KAIR numbers the layers of one sequence.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop.torch_layout import Entry

_OTHERS = (
    (r"body\.(\d+)\.rdb(\d)\.", r"RRDB_trunk.\1.RDB\2."),
    (r"conv_body\.", "trunk_conv."),
    (r"conv_up(\d)\.", r"upconv\1."),
    (r"conv_hr\.", "HRconv."),
    (r"model\.0\.", "conv_first."),
    (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)(\.0)?\.", r"RRDB_trunk.\1.RDB\2.conv\3."),
    (r"model\.1\.sub\.\d+\.", "trunk_conv."),
    (r"model\.3\.", "upconv1."),
    (r"model\.6\.", "upconv2."),
    (r"model\.8\.", "HRconv."),
    (r"model\.10\.", "conv_last."),
)


def first_names(name: str) -> str:
    """The first release's name of an entry that BasicSR or KAIR calls ``name``."""
    for pattern, ours in _OTHERS:
        if re.match(pattern, name):
            return re.sub(pattern, ours, name, count=1)
    return name


def architecture(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of `nn.rrdb.RRDBNet` that a state dict shows, by the first release's names."""
    dense = r"RRDB_trunk\.\d+\.RDB1\.conv1\.weight"
    return {
        "width": np.shape(state["conv_first.weight"])[0],
        "growth": np.shape(state["RRDB_trunk.0.RDB1.conv1.weight"])[0],
        "blocks": sum(1 for name in state if re.fullmatch(dense, name)),
    }


def network(blocks: int) -> dict[str, Entry]:
    """The table of an RRDBNet of that many blocks."""
    table = _conv("conv_first", "first")
    for i in range(blocks):
        for j in (1, 2, 3):
            for k in range(1, 6):
                place = (f"conv{k}",) if k == 1 else ("rest", f"conv{k}")
                table |= _conv(f"RRDB_trunk.{i}.RDB{j}.conv{k}", f"block_{i}", f"dense{j}", *place)
    named = {"trunk_conv": "trunk", "upconv1": "up_1", "upconv2": "up_2", "HRconv": "fine",
             "conv_last": "last"}
    for official, name in named.items():
        table |= _conv(official, name)
    return table


def _conv(official: str, *path: str) -> dict[str, Entry]:
    return {f"{official}.weight": Entry(("params", *path, "kernel")),
            f"{official}.bias": Entry(("params", *path, "bias"))}

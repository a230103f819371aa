"""NAFNet checkpoints of its authors' release, which keeps them under ``params``."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop import torch_layout
from senm_jax.interop.torch_layout import Entry

_CONVS = {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "sca.1": "attention",
          "conv4": "conv4", "conv5": "conv5"}


def architecture(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of `nn.nafnet.NAFNet` that a state dict shows."""

    def count(place):
        return sum(1 for name in state if re.fullmatch(place + r"\.\d+\.beta", name))

    stages = range(sum(1 for name in state if re.fullmatch(r"downs\.\d+\.weight", name)))
    return {
        "width": np.shape(state["intro.weight"])[0],
        "encoder": tuple(count(rf"encoders\.{i}") for i in stages),
        "middle": count("middle_blks"),
        "decoder": tuple(count(rf"decoders\.{i}") for i in stages),
        "channels": np.shape(state["ending.weight"])[0],
    }


def network(
    encoder: tuple[int, ...], middle: int, decoder: tuple[int, ...]
) -> dict[str, Entry]:
    """The table of a NAFNet."""
    table = _conv("intro", "intro") | _conv("ending", "ending")
    for side, counts in (("encoder", encoder), ("decoder", decoder)):
        for i, count in enumerate(counts):
            for j in range(count):
                table |= _block(f"{side}s.{i}.{j}", f"{side}_{i}_{j}")
    for j in range(middle):
        table |= _block(f"middle_blks.{j}", f"middle_{j}")
    for i in range(len(decoder)):
        table[f"ups.{i}.0.weight"] = Entry(("params", f"up_{i}", "kernel"))
    for i in range(len(encoder)):
        table |= _conv(f"downs.{i}", f"down_{i}")
    return table


def _conv(official: str, *path: str, kernel: str = "kernel") -> dict[str, Entry]:
    return {f"{official}.weight": Entry(("params", *path, kernel)),
            f"{official}.bias": Entry(("params", *path, "bias"))}


def _block(official: str, name: str) -> dict[str, Entry]:
    table = {f"{official}.{factor}": Entry(("params", name, factor), layout=torch_layout.CHANNELS)
             for factor in ("beta", "gamma")}
    for theirs, ours in _CONVS.items():
        table |= _conv(f"{official}.{theirs}", name, ours)
    for norm in ("norm1", "norm2"):
        table |= _conv(f"{official}.{norm}", name, norm, kernel="scale")
    return table

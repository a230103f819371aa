"""Checkpoints of ESRGAN's discriminator: BasicSR's form, which names layers by their stage, and
KAIR's, which numbers them and has biases before its normalisations."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop import torch_layout
from senm_jax.interop.torch_layout import Entry
from senm_jax.nn import vgg_discriminator

FIRST, FIRST_KAIR = "conv0_0.weight", "features.0.weight"
"""Entries by which each form is known."""
_LAST = 8
"""The last stage's channels over the first's."""
_NORM = {"weight": ("params", "scale"), "bias": ("params", "bias"),
         "running_mean": ("statistics", "mean"), "running_var": ("statistics", "variance")}


def architecture(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What a state dict shows: ``width``, ``hidden``, ``kair``, and ``side`` of the images."""
    kair = FIRST_KAIR in state
    width = np.shape(state[FIRST_KAIR if kair else FIRST])[0]
    hidden, inputs = np.shape(state["classifier.0.weight" if kair else "linear1.weight"])
    cells = inputs / (_LAST * width)
    return {"width": width, "hidden": hidden, "kair": kair,
            "side": math.isqrt(round(cells)) * 2**vgg_discriminator.STAGES}


def network(width: int, kair: bool) -> dict[str, Entry]:
    """The table of a discriminator in either form."""
    table, number = {}, 0
    for i in range(vgg_discriminator.STAGES):
        for j in (0, 1):
            place = f"{i}_{j}"
            named = f"features.{number}" if kair else f"conv{place}"
            first = i == j == 0
            table |= _layer(named, f"conv{place}", bias=first or kair)
            number += 1
            if not first:
                named = f"features.{number}" if kair else f"bn{place}"
                for name, (collection, leaf) in _NORM.items():
                    table[f"{named}.{name}"] = Entry((collection, f"norm{place}", leaf))
                number += 2  # the activation has a number of its own
    flat = torch_layout.flattened(_LAST * width)
    first, second = ("classifier.0", "classifier.2") if kair else ("linear1", "linear2")
    table |= _layer(first, "linear1", layout=flat)
    return table | _layer(second, "linear2", layout=torch_layout.LINEAR)


def _layer(official: str, name: str, *, bias: bool = True, layout=None) -> dict[str, Entry]:
    table = {f"{official}.weight": Entry(("params", name, "kernel"), layout=layout)}
    return table | ({f"{official}.bias": Entry(("params", name, "bias"))} if bias else {})

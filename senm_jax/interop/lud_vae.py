"""Official LUD-VAE checkpoints; all five sub-projects have the same names.

Levels are counted from 1 there, the one nearest to the image, and from 0 in our lists.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop.torch_layout import Entry

State = Mapping[str, np.ndarray]
_LEAVES = {"weight": "kernel", "bias": "bias"}
_CONVOLUTIONS = 4


def architecture(state: State) -> dict[str, Any]:
    """The fields of `nn.lud_vae.LUDVAE` that a state dict shows.

    Raises:
        ValueError: it is no LUD-VAE.
    """
    if "inconv_n.weight" not in state:
        raise ValueError(
            "state dict: expected a LUD-VAE with 'inconv_n.weight', "
            f"got {sorted(state)[:4]} ..."
        )
    layers = sum(1 for name in state if name.startswith("enc_n_") and name.endswith("net.0.bias"))
    return {"width": state["inconv_n.weight"].shape[0], "layers": layers}


def network(width: int, layers: int) -> dict[str, Entry]:
    """The table of a network's names, in the official order."""
    del width  # names do not depend on it
    levels, downwards = range(1, layers + 1), range(layers, 0, -1)
    towers = {"": "content_tower", "_n": "noise_tower"}
    table = {}
    for suffix, tower in towers.items():
        table |= _conv(f"inconv{suffix}", (tower, "stem"))
    for suffix, tower in towers.items():
        for i in levels:
            table |= _block(f"enc{suffix}_{i}", (tower, f"block_{i}"))
    for i in downwards:
        table |= _head(f"Gauconv_q_{i}", (f"posterior_{i - 1}", "conv"))
    for i in downwards[1:]:
        table |= _head(f"Gauconv_p_{i}", (f"prior_{i - 1}", "conv"))
    for i in downwards:
        table |= _block(f"dec_{i}", (f"decoder_{i - 1}",))
    for i in downwards:
        table |= _conv(f"proj_{i}.proj", (f"join_degradation_{i - 1}",))
        if i < layers:
            table |= _conv(f"proj_c_{i}.proj", (f"join_content_{i - 1}",))
            table |= _conv(f"proj_n_{i}.proj", (f"join_posterior_{i - 1}",))
    return table | _conv("outconv", ("out_image",))


def _conv(official, path, half=None):
    return {
        f"{official}.{leaf}": Entry(("params", *path, ours), half)
        for leaf, ours in _LEAVES.items()
    }


def _block(official, path):
    table = {}
    for i in range(_CONVOLUTIONS):
        table |= _conv(f"{official}.net.{2 * i}", (*path, f"conv{i}"))
    return table


def _head(official, path):
    return _conv(f"{official}.m", path, 0) | _conv(f"{official}.v", path, 1)

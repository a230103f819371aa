"""Official SeNM-VAE checkpoints: generators of both variants, level predictor, discriminator.

In the semi-supervised release H is the clean image and L the noisy one; in the fully paired
release the letters are swapped.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop.torch_layout import Entry
from senm_jax.nn import ladder

State = Mapping[str, np.ndarray]
_LEAVES = {"weight": "kernel", "bias": "bias"}


def architecture(state: State) -> dict[str, Any]:
    """The fields of `nn.senm_vae.SeNMVAE` that a semi-supervised generator's state dict shows.

    Raises:
        ValueError: it is no such generator.
    """
    if "inconv_N.0.weight" not in state:
        raise ValueError(
            "state dict: expected a semi-supervised SeNM-VAE generator with 'inconv_N.0.weight', "
            f"got {sorted(state)[:4]} ..."
        )
    return {
        "width": state["inconv_N.0.weight"].shape[0],
        "growth": state["encs_H.0.net.conv1.weight"].shape[0],
        "levels": _levels(state, "encs_H.{}.net.conv1.weight"),
        "degradation_channels": state["proj_zn.0.weight"].shape[1],
        "downs": sum(1 for name in state if re.fullmatch(r"inconv_H\.[1-9]\d*\..*weight", name)),
    }


def architecture_paired(state: State) -> dict[str, Any]:
    """The fields of `nn.senm_vae_paired.SeNMVAEPaired` that a state dict shows.

    Raises:
        ValueError: it is no generator of the fully paired variant.
    """
    if "proj_zh.0.weight" not in state:
        raise ValueError(
            "state dict: expected a fully paired SeNM-VAE generator with 'proj_zh.0.weight', "
            f"got {sorted(state)[:4]} ..."
        )
    return {
        "width": state["inconv_H.weight"].shape[0],
        "growth": state["encs_H.0.net.conv1.weight"].shape[0],
        "levels": _levels(state, "encs_H.{}.net.conv1.weight"),
    }


def generator(
    width: int, growth: int, levels: tuple[int, ...], degradation_channels: int, downs: int
) -> dict[str, Entry]:
    """The table of a semi-supervised generator, in the official order."""
    del width, growth, degradation_channels  # names depend on none of them
    kinds = ladder.layout(levels)
    table = {}
    towers = {"H": "clean_tower", "L": "noisy_tower", "N": "noise_tower"}
    for letter, tower in towers.items():
        table |= _conv(f"inconv_{letter}.0", (tower, "stem"))
        for i in range(downs):
            table |= _conv(f"inconv_{letter}.{i + 1}.down.1", (tower, f"stem_down_{i}", "conv"))
    for letter, tower in towers.items():
        for i, kind in enumerate(kinds):
            table |= _element(f"encs_{letter}.{i}", (tower, f"level_{i}"), kind, "down")
    heads = {
        "Gauconv_zn_q": "degradation_posterior",
        "Gauconv_zn_p": "degradation_prior",
        "Gauconv_z_L": "content_noisy",
        "Gauconv_z_H": "content_clean",
    }
    for official, ours in heads.items():
        for i in range(len(kinds)):
            table |= _head(f"{official}.{i}", (f"{ours}_{i}",))
    for i, kind in enumerate(kinds):
        table |= _element(f"dec.{i}", (f"decoder_{i}",), kind, "up")
    for official, ours in {"proj_zn": "merge_degradation", "proj_z": "merge_content"}.items():
        for i in range(len(kinds)):
            table |= _conv(f"{official}.{i}", (f"{ours}_{i}",))
    for i in range(downs):
        table |= _conv(f"outconv.{i}.up.1", (f"out_ups_{i}", "conv"))
    table |= _conv(f"outconv.{downs}", ("out_hidden",))
    return table | _conv(f"outconv.{downs + 2}", ("out_image",))


def generator_paired(width: int, growth: int, levels: tuple[int, ...]) -> dict[str, Entry]:
    """The table of a fully paired generator, in the official order."""
    del width, growth
    kinds = ladder.layout(levels)
    towers = {"H": "noisy_tower", "L": "clean_tower"}
    table = {}
    for letter, tower in towers.items():
        table |= _conv(f"inconv_{letter}", (tower, "stem"))
    for letter, tower in towers.items():
        for i, kind in enumerate(kinds):
            table |= _element(f"encs_{letter}.{i}", (tower, f"level_{i}"), kind, None)
    for official, ours in {"Gauconv_q": "posterior", "Gauconv_p": "prior"}.items():
        for i in range(len(kinds)):
            table |= _head(f"{official}.{i}", (f"{ours}_{i}",))
    for i in range(len(kinds)):
        table |= _dense_block(f"dec_z.{i}.net", (f"decoder_content_{i}",))
    for i, kind in enumerate(kinds):
        table |= _element(f"dec_zh.{i}", (f"decoder_noise_{i}",), kind, None)
    for official, ours in {"proj_zh": "merge_noise", "proj_z": "merge_content"}.items():
        for i in range(len(kinds)):
            table |= _conv(f"{official}.{i}", (f"{ours}_{i}",))
    return table | _conv("outconv", ("out_image",))


def level_predictor() -> dict[str, Entry]:
    """The table of the level predictor."""
    table = {}
    for i in range(4):
        table |= _conv(f"net.{2 * i}", (f"conv{i}",))
    for i in range(3):
        table |= _conv(f"dense.{2 * i}", (f"dense{i}",), linear=True)
    return table


def discriminator(layers: int = 3) -> dict[str, Entry]:
    """The table of the patch discriminator."""
    table = _conv("model.0", ("conv0",))
    for i in range(1, layers + 1):
        conv = f"model.{3 * i - 1}.weight"
        table[conv] = Entry(("params", f"conv{i}", "kernel"))
        norm = f"model.{3 * i}"
        table[f"{norm}.weight"] = Entry(("params", f"norm{i}", "scale"))
        table[f"{norm}.bias"] = Entry(("params", f"norm{i}", "bias"))
        table[f"{norm}.running_mean"] = Entry(("statistics", f"norm{i}", "mean"))
        table[f"{norm}.running_var"] = Entry(("statistics", f"norm{i}", "variance"))
    return table | _conv(f"model.{3 * layers + 2}", (f"conv{layers + 1}",))


def _levels(state, block):
    """Blocks of each stage, read from which elements of a tower are blocks."""
    elements = 1 + max(int(n.split(".")[1]) for n in state if n.startswith("encs_H."))
    stages = [0]
    for i in range(elements):
        if block.format(i) in state:
            stages[-1] += 1
        else:
            stages.append(0)
    return tuple(stages)


def _conv(official, path, half=None, linear=False):
    return {
        f"{official}.{leaf}": Entry(("params", *path, ours), half, linear)
        for leaf, ours in _LEAVES.items()
    }


def _dense_block(official, path):
    table = _conv(f"{official}.conv1", (*path, "conv1"))
    return table | _dense_rest(official, (*path, "rest"))


def _dense_rest(official, path):
    table = {}
    for k in (2, 3, 4, 5):
        table |= _conv(f"{official}.conv{k}", (*path, f"conv{k}"))
    return table


def _head(official, path):
    table = {}
    for half, (letter, branch) in enumerate((("m", "mean"), ("v", "log_std"))):
        table |= _conv(f"{official}.{letter}.0.net.conv1", (*path, "conv1"), half)
        table |= _dense_rest(f"{official}.{letter}.0.net", (*path, branch))
        table |= _conv(f"{official}.{letter}.1", (*path, f"{branch}_out"))
    return table


def _element(official, path, kind, shuffle):
    """A block, a Down or Up (``shuffle`` names it), or a Resize (None)."""
    if kind == ladder.BLOCK:
        return _dense_block(f"{official}.net", path)
    return _conv(f"{official}.{shuffle}.1" if shuffle else f"{official}.conv", (*path, "conv"))

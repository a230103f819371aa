"""A start of SeNM-VAE for short trainings: the image passes and noise is seen from the first step.

Published, the kernels of the heads' last convolutions and of the merges start at zero, and an
image's colours pass late and one after another; and the level predictor starts at random, and
guesses one level for all images for long.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64

from senm_jax.nn import ladder, senm_vae

Params = dict[str, Any]
GREY = 0.5
"""What images count from inside the network."""
CONTENT_LOG_STD = -5.0
"""Of the content: under two of 255 levels."""


def open_content(network: senm_vae.SeNMVAE, params: Params) -> Params:
    """Its parameters, changed so that the image passes and q(zn|...) sees the noise.

    The image passes whole through the coarsest level's content. The noise tower starts as the
    image's negative, so that q(zn|...) of each level, coarsest first, sees x - y, and once the
    merges have learnt only what of it the levels before have not coded. In the first level of
    each grid its mean starts near bands of that over ``level_unit``: the coarsest has the
    lowest bands, as many as there are channels, and a finer one goes on where the next coarser
    ends (exactly so where the channels are a multiple of 12). The prior starts at a mean of 0 and a
    standard deviation of s / ``level_unit`` (1 where there is none). Other means and the merges
    that bring zn in start at zero, biases included; everything else starts as it was.

    Raises:
        ValueError: the coarsest grid has too few channels for the image.
    """
    kinds = ladder.layout(network.levels)
    halvings = network.downs + len(network.levels) - 1
    if network.width < 3 * 4**halvings:
        raise ValueError(
            f"open_content: expected a width of at least 3 * 4**{halvings} = {3 * 4**halvings}, "
            f"so that the image passes through its coarsest grid, got {network.width}"
        )
    opened = dict(params)
    for name, sign in {"clean_tower": 1, "noise_tower": -1}.items():
        opened[name] = _tower(params[name], sign)
    grid, coded = halvings, 0
    for i in reversed(range(len(kinds))):
        coarsest = i == len(kinds) - 1
        bands = None
        if coarsest or kinds[i : i + 2] == [ladder.BLOCK, ladder.TRANSITION]:
            bands = bands_of(grid)[:, coded:] / (network.level_unit or 1)
        opened |= _degradation(params, i, bands)
        opened |= _content(params, i, coarsest)
        if kinds[i] == ladder.TRANSITION:
            opened[f"decoder_{i}"] = {"conv": linear(params[f"decoder_{i}"]["conv"])}
            grid, coded = grid - 1, (coded + network.degradation_channels) // 4
    for i in range(network.downs):
        opened[f"out_ups_{i}"] = {"conv": linear(params[f"out_ups_{i}"]["conv"])}
    hidden = linear(params["out_hidden"])
    opened["out_hidden"] = hidden | {"bias": jnp.full_like(hidden["bias"], GREY)}
    opened["out_image"] = linear(params["out_image"])
    # Both encoders of the content start alike.
    alike = {f"content_noisy_{i}": opened[f"content_clean_{i}"] for i in range(len(kinds))}
    alike["noisy_tower"] = opened["clean_tower"]
    return opened | jax.tree.map(jnp.copy, alike)


def _tower(tower, sign):
    """A tower that passes ``sign`` times the image, counted from grey, down to its last level."""
    stem = linear(tower["stem"], sign * np.eye(3))
    stem["bias"] = -GREY * stem["kernel"].sum((0, 1, 2))
    halvings = {name: {"conv": linear(part["conv"])} for name, part in tower.items()
                if "conv" in part}
    return tower | {"stem": stem} | halvings


def _degradation(params, i, bands):
    """Level i's degradation: where ``bands`` are given, they are the posterior's mean."""
    posterior, prior, merge = (
        params[f"{name}_{i}"]
        for name in ("degradation_posterior", "degradation_prior", "merge_degradation")
    )
    mean = silent(posterior["mean_out"]) if bands is None else linear(
        posterior["mean_out"], bands)
    return {
        f"degradation_posterior_{i}": posterior | {"mean_out": mean},
        f"degradation_prior_{i}": prior | {
            name: silent(prior[name]) for name in ("mean_out", "log_std_out")},
        f"merge_degradation_{i}": silent(merge),
    }


def _content(params, i, coarsest):
    """Level i's content of a clean image: the image where the level is the coarsest."""
    head, merge = params[f"content_clean_{i}"], params[f"merge_content_{i}"]
    start = linear if coarsest else silent
    narrow = jnp.full_like(head["log_std_out"]["bias"], CONTENT_LOG_STD)
    return {
        f"content_clean_{i}": head | {
            "mean_out": start(head["mean_out"]),
            "log_std_out": head["log_std_out"] | {"bias": narrow},
        },
        f"merge_content_{i}": start(merge),
    }


def linear(module: Params, matrix: np.ndarray | None = None) -> Params:
    """A convolution whose first outputs are ``matrix`` (inputs, outputs) of its first inputs at
    the same place; without one they are the inputs."""
    kernel, bias = module["kernel"], module["bias"]
    rows, cols, inputs, outputs = kernel.shape
    matrix = np.eye(min(inputs, outputs)) if matrix is None else matrix
    matrix = matrix[:inputs, :outputs]
    ins, outs = matrix.shape
    kernel = kernel.at[..., :outs].set(0)
    kernel = kernel.at[rows // 2, cols // 2, :ins, :outs].set(matrix)
    return {"kernel": kernel, "bias": bias.at[:outs].set(0)}


def silent(module: Params) -> Params:
    """A convolution whose kernel starts at zero, without its bias."""
    return module | {"bias": jnp.zeros_like(module["bias"])}


def bands_of(halvings: int) -> Float64[np.ndarray, "values bands"]:
    """The orthonormal transform of a block of pixels that pixel-unshuffle has put into channels.

    It is Walsh and Hadamard's of rows and of columns, of each colour for itself. Bands stand from
    coarse to fine differences, each in its three colours.
    """
    pairs = np.eye(1)
    for _ in range(2 * halvings):
        pairs = np.kron(pairs, np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    return np.einsum("kc,pb->cpbk", np.eye(3), pairs).reshape(3 * len(pairs), -1)


def open_level(params: Params) -> Params:
    """The level predictor's, changed so that it goes with the noise from the start.

    Its first channels are the positive and the negative parts of what the 2x2 blocks in the middle
    of its windows differ by, in each colour: across both ways, then across one. They are averaged
    on every layer after, and their sum is about half the level of white noise. Texture counts as
    noise until it has learnt.
    """
    opened = {name: part | {"bias": jnp.zeros_like(part["bias"])} for name, part in params.items()}
    width = params["conv0"]["kernel"].shape[-1]
    bands = bands_of(1)[:, :2:-1]  # without the mean, fine to coarse
    signed = np.stack([bands, -bands], -1).reshape(len(bands), -1)[:, :width]
    window = signed.reshape(3, 2, 2, -1).transpose(1, 2, 0, 3)
    count = window.shape[-1]
    kernel = opened["conv0"]["kernel"].at[..., :count].set(0)
    opened["conv0"]["kernel"] = kernel.at[1:3, 1:3, :, :count].set(window)
    for name in ("conv1", "conv2", "conv3", "dense0", "dense1"):
        kernel = opened[name]["kernel"]
        size = kernel[..., 0, 0].size
        kernel = kernel.at[..., :count].set(0)
        opened[name]["kernel"] = kernel.at[..., :count, :count].set(np.eye(count) / size)
    half = np.sqrt(1 / (2 * np.pi))  # mean of a unit normal's positive part
    kernel = jnp.zeros_like(opened["dense2"]["kernel"])
    opened["dense2"]["kernel"] = kernel.at[..., :count, :].set(1 / (half * count))
    return opened

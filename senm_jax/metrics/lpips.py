"""Learned perceptual image patch similarity, version 0.1 on AlexNet (Zhang et al., 2018).

No weights come with this library. Those of the ``lpips`` package are written to a file by

    numpy.savez("lpips_alex.npz", **{name: value.numpy() for name, value in
                                     lpips.LPIPS(net="alex").state_dict().items()})
"""

import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from senm_jax.metrics import weights as weights_


class Weights(NamedTuple):
    """AlexNet's convolutions up to the fifth and the learned linear weights of their outputs."""

    kernels: tuple[Float[Array, "h w i o"], ...]
    biases: tuple[Float[Array, "o"], ...]
    linear: tuple[Float[Array, "o"], ...]


_CONVOLUTIONS = ("slice1.0", "slice2.3", "slice3.6", "slice4.8", "slice5.10")
_KERNEL_SHAPES = ((64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3))
_KERNEL_SHAPES += ((256, 256, 3, 3),)
_STRIDES = (4, 1, 1, 1, 1)
_PADDINGS = (2, 2, 1, 1, 1)
_POOLED_BEFORE = (False, True, True, False, False)
# What the package's state dict holds twice or as constants.
_SPARE = ("lins.", "scaling_layer.")
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
LEAST_SIDE = 31


def shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of each entry of a weights file: the official state dict's, output first."""
    found = {}
    for name, shape in zip(_CONVOLUTIONS, _KERNEL_SHAPES, strict=True):
        found[f"net.{name}.weight"] = shape
        found[f"net.{name}.bias"] = shape[:1]
    for layer, shape in enumerate(_KERNEL_SHAPES):
        found[f"lin{layer}.model.1.weight"] = (1, shape[0], 1, 1)
    return found


def load(path: str | pathlib.Path) -> Weights:
    """The weights in an ``.npz`` file, its entries named as the ``lpips`` package's state dict.

    Raises:
        ValueError: no such file, no ``.npz``, or entries that are missing, unknown or misshapen.
    """
    remedy = "write one with lpips and numpy as the head of senm_jax/metrics/lpips.py shows"
    entries = weights_.read(path, "LPIPS weights", remedy)
    try:
        return from_entries(entries)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def from_entries(entries: Mapping[str, np.ndarray]) -> Weights:
    """The weights from arrays by official name, laid out for `lpips`.

    Raises:
        ValueError: an entry is missing, unknown or of another shape; the message names it.
    """
    arrays = weights_.check(
        entries, shapes(), _SPARE, "LPIPS weights", "lpips 0.1 on AlexNet"
    )
    names = [f"net.{name}" for name in _CONVOLUTIONS]
    return Weights(
        kernels=tuple(jnp.asarray(arrays[f"{n}.weight"].transpose(2, 3, 1, 0)) for n in names),
        biases=tuple(jnp.asarray(arrays[f"{n}.bias"]) for n in names),
        linear=tuple(jnp.asarray(arrays[f"lin{i}.model.1.weight"].ravel()) for i in range(5)),
    )


def lpips(
    weights: Weights,
    x: Float[Array, "b h w 3"],
    y: Float[Array, "b h w 3"],
    *,
    signed: bool = True,
) -> Float[Array, "b"]:
    """The distance of each pair of images in [0, 1], 0 for equal ones; differentiable.

    ``signed`` maps the images to [-1, 1] first, as the metric is defined. SeNM-VAE's training
    passes them as they are: False.

    Raises:
        ValueError: a side is below 31 pixels.
    """
    return jnp.sum(layers(weights, x, y, signed=signed), axis=0)


def layers(
    weights: Weights,
    x: Float[Array, "b h w 3"],
    y: Float[Array, "b h w 3"],
    *,
    signed: bool = True,
) -> Float[Array, "5 b"]:
    """Each layer's part of the distance: unit features' squared difference, weighted, averaged."""
    height, width = x.shape[1:3]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"LPIPS: expected sides of at least {LEAST_SIDE} pixels, got {height}x{width}"
        )
    pairs = zip(_features(weights, x, signed), _features(weights, y, signed), strict=True)
    parts = [
        jnp.mean(jnp.square(_unit(a) - _unit(b)) @ linear, axis=(1, 2))
        for (a, b), linear in zip(pairs, weights.linear, strict=True)
    ]
    return jnp.stack(parts)


def _features(
    weights: Weights, x: Float[Array, "b h w 3"], signed: bool
) -> list[Float[Array, "b _ _ _"]]:
    """AlexNet's five outputs after their rectifiers."""
    x = x.astype(weights.kernels[0].dtype)
    x = 2 * x - 1 if signed else x
    x = (x - _SHIFT) / _SCALE
    found = []
    settings = zip(_STRIDES, _PADDINGS, _POOLED_BEFORE, strict=True)
    for kernel, bias, (stride, pad, pooled) in zip(
        weights.kernels, weights.biases, settings, strict=True
    ):
        if pooled:
            x = nn.max_pool(x, (3, 3), (2, 2))
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), [(pad, pad)] * 2, dimension_numbers=layout
        )
        x = jax.nn.relu(x + bias)
        found.append(x)
    return found


def _unit(x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """Each place's features over their length + 1e-10.

    Where all are 0, the length's own gradient would be NaN; there it is taken as a constant.
    """
    square = jnp.sum(jnp.square(x), axis=-1, keepdims=True)
    dead = square == 0
    length = jnp.where(dead, 0.0, jnp.sqrt(jnp.where(dead, 1.0, square)))
    return x / (length + 1e-10)

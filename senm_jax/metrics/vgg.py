"""Distance of VGG19's features, the perceptual term of ESRGAN (X. Wang et al., ECCVW 2018, eq. 3).

No weights come with this library. Those of torchvision are written to a file by

    numpy.savez("vgg19.npz", **{name: value.numpy() for name, value in
                                torchvision.models.vgg19(weights="IMAGENET1K_V1")
                                .features.state_dict(prefix="features.").items()})
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
    """VGG19's sixteen convolutions."""

    kernels: tuple[Float[Array, "3 3 _ _"], ...]
    biases: tuple[Float[Array, "_"], ...]


_STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Width and number of convolutions; between two stages the grid is halved by maxima."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
LEAST_SIDE = 16


def shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of each entry of a weights file: those of torchvision, conv5_4 the last."""
    found, index, inputs = {}, 0, 3
    for width, count in _STAGES:
        for _ in range(count):
            found[f"features.{index}.weight"] = (width, inputs, 3, 3)
            found[f"features.{index}.bias"] = (width,)
            index, inputs = index + 2, width
        index += 1
    return found


def load(path: str | pathlib.Path) -> Weights:
    """The weights in an ``.npz`` file, its entries named as torchvision's state dict.

    Raises:
        ValueError: no such file, no ``.npz``, or entries that are missing, unknown or misshapen.
    """
    remedy = "write one with torchvision and numpy as the head of senm_jax/metrics/vgg.py shows"
    entries = weights_.read(path, "VGG19 weights", remedy)
    try:
        return from_entries(entries)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def from_entries(entries: Mapping[str, np.ndarray]) -> Weights:
    """The weights from arrays by torchvision's names; those of its classifier are no matter.

    Raises:
        ValueError: an entry is missing, unknown or of another shape; the message names it.
    """
    arrays = weights_.check(
        entries, shapes(), ("classifier.",), "VGG19 weights", "torchvision's VGG19 up to conv5_4"
    )
    names = [name.removesuffix(".weight") for name in arrays if name.endswith(".weight")]
    return Weights(
        tuple(jnp.asarray(arrays[f"{n}.weight"].transpose(2, 3, 1, 0)) for n in names),
        tuple(jnp.asarray(arrays[f"{n}.bias"]) for n in names),
    )


def distance(
    weights: Weights, x: Float[Array, "b h w 3"], y: Float[Array, "b h w 3"]
) -> Float[Array, "b"]:
    """Mean absolute difference of conv5_4 before its ReLU, of images in [0, 1], not clipped.

    Raises:
        ValueError: a side is below 16 pixels.
    """
    height, width = x.shape[1:3]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"VGG19: expected sides of at least {LEAST_SIDE} pixels, got {height}x{width}"
        )
    return jnp.mean(jnp.abs(features(weights, x) - features(weights, y)), (1, 2, 3))


def features(weights: Weights, x: Float[Array, "b h w 3"]) -> Float[Array, "b h2 w2 c"]:
    """conv5_4 before its ReLU, on a sixteenth of the grid."""
    x = (x.astype(jnp.float32) - _MEAN) / _STD
    layers = zip(weights.kernels, weights.biases, strict=True)
    for stage, (_, count) in enumerate(_STAGES):
        if stage:
            x = nn.max_pool(jax.nn.relu(x), (2, 2), (2, 2))
        for i in range(count):
            kernel, bias = next(layers)
            x = bias + jax.lax.conv_general_dilated(
                jax.nn.relu(x) if i else x, kernel, (1, 1), ((1, 1), (1, 1)),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
    return x

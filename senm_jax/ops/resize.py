"""Resizing as others do it: MATLAB's bicubic, which low-resolution data sets are made with, and
TensorFlow 1's bilinear."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def bicubic(image: Float[Array, "h w c"], scale: float) -> Float[Array, "H W c"]:
    """The image at ``ceil(size * scale)``, not clipped, in the image's own type.

    Keys' cubic with a = -1/2; where ``scale`` is below 1 the kernel is stretched by 1 / scale
    against aliasing and normalised. Borders are mirrored with the edge repeated; rows are
    resized first. `jax.image.resize` instead renormalises at borders.

    Raises:
        ValueError: the scale is not positive.
    """
    if not scale > 0:
        raise ValueError(f"scale: expected a positive number, got {scale}")
    return _along(_along(image, 0, scale), 1, scale)


def _along(image: Float[Array, "h w c"], axis: int, scale: float) -> Float[Array, "H W c"]:
    """Resizes one axis: a sum over the kernel's taps, each a gather of rows or columns."""
    indices, weights = taps(image.shape[axis], scale)
    shape = [1, 1, 1]
    shape[axis] = -1
    total = 0.0
    for index, weight in zip(indices.T, weights.T, strict=True):
        weight = jnp.asarray(weight, image.dtype).reshape(shape)
        total = total + jnp.take(image, index, axis=axis) * weight
    return total


def bilinear_tf1(
    image: Float[Array, "b h w c"], size: tuple[int, int]
) -> Float[Array, "b H W c"]:
    """The image enlarged or reduced to ``size`` (height, width) as TensorFlow 1 did by default.

    Output i is read at i * in / out, between its two neighbours, without the half-pixel shift of
    `jax.image.resize`: the result is anchored at the upper left, and the last row and column are
    repeated below and to the right.
    """
    for axis, length in enumerate(size, 1):
        held = image.shape[axis]
        place = np.arange(length, dtype=np.float32) * (np.float32(held) / np.float32(length))
        place = np.minimum(place, held - 1)
        image = linear(image, axis, jnp.broadcast_to(place, (image.shape[0], length)))
    return image


def linear(
    image: Float[Array, "b h w c"], axis: int, place: Float[Array, "b n"]
) -> Float[Array, "b H W c"]:
    """Each row's image read at ``place`` along an axis (1 or 2), linearly between neighbours; 0
    where there are none. A product with a matrix, whose gradient, unlike a gather's, is the same
    bits each time."""
    weights = jnp.maximum(0, 1 - jnp.abs(place[..., None] - jnp.arange(image.shape[axis])))
    form = "bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic"
    return jnp.einsum(form, weights.astype(image.dtype), image, precision="highest")


def taps(size: int, scale: float) -> tuple[Int[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Indices and weights of the samples that each of the ``ceil(size * scale)`` outputs reads.

    Output x (counted from 1) is centred on x / scale + (1 - 1 / scale) / 2. Weights of an output
    add up to 1; taps of weight 0 for every output are left out.
    """
    stretch = min(scale, 1.0)
    width = 4 / stretch
    centre = np.arange(1, math.ceil(size * scale) + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / 2).astype(int)
    index = first[:, None] + np.arange(math.ceil(width) + 2)
    weight = _cubic(stretch * (centre[:, None] - index))
    weight /= weight.sum(axis=1, keepdims=True)
    # Mirrored with the edge repeated: ... 2 1 1 2 ... n n n-1 ..., as often as it takes.
    index = (index - 1) % (2 * size)
    index = np.where(index < size, index, 2 * size - 1 - index)
    used = np.any(weight != 0, axis=0)
    return index[:, used], weight[:, used]


def _cubic(x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Keys' kernel with a = -1/2."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))

"""Pixels: 8-bit conversion, pixel shuffle, and the symmetries of the square."""

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8


def to_float(image: UInt8[Array, "..."] | Float[Array, "..."]) -> Float[Array, "..."]:
    """The image on the [0, 1] scale as float32: of 8 bits 255 maps to 1, floats are there already.
    """
    return image.astype(jnp.float32) / (255 if image.dtype == jnp.uint8 else 1)


def to_uint8(image: Float[Array, "..."]) -> UInt8[Array, "..."]:
    """The image in 8 bits: clipped to [0, 1], times 255, rounded half to even."""
    return jnp.round(jnp.clip(image, 0, 1) * 255).astype(jnp.uint8)


def unshuffle(x: Float[Array, "b h w c"], factor: int) -> Float[Array, "b H W C"]:
    """Space to depth: channel ``c`` at offset (i, j) goes to ``c * factor**2 + i * factor + j``.

    PyTorch's channel order. ``h`` and ``w`` must be multiples of ``factor``.
    """
    b, h, w, c = x.shape
    x = x.reshape(b, h // factor, factor, w // factor, factor, c)
    x = x.transpose(0, 1, 3, 5, 2, 4)
    return x.reshape(b, h // factor, w // factor, c * factor**2)


def shuffle(x: Float[Array, "b h w c"], factor: int) -> Float[Array, "b H W C"]:
    """Depth to space, the inverse of `unshuffle`."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, c // factor**2, factor, factor)
    x = x.transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(b, h * factor, w * factor, c // factor**2)

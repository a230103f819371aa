"""Additive white Gaussian noise, of one strength or of a strength drawn for each image."""

import jax
from jaxtyping import Array, Float, Key

from senm_jax.ops import keys


def add(
    key: Key[Array, ""], clean: Float[Array, "*b h w c"], std: Float[Array, "*#b"] | float
) -> Float[Array, "*b h w c"]:
    """The images plus independent normal noise of standard deviation ``std``, not clipped.

    ``std`` is in units of the [0, 1] scale, one number or one for each image.
    """
    noise = jax.random.normal(key, clean.shape, clean.dtype)
    return clean + noise * jax.numpy.asarray(std, clean.dtype)[..., None, None, None]


def add_ranged(
    key: Key[Array, ""], clean: Float[Array, "b h w c"], low: float, high: float
) -> tuple[Float[Array, "b h w c"], Float[Array, "b"]]:
    """Noisy images, and their standard deviations: drawn uniformly from [low, high] per image."""
    std = jax.random.uniform(keys.named(key, "std"), clean.shape[:1], clean.dtype, low, high)
    return add(keys.named(key, "noise"), clean, std), std

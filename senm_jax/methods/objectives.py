"""What the objectives of several methods share: their sum, the noise's size, a metric."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float


def total(parts: Mapping[str, Array], weight: Mapping[str, Array | float]) -> Array:
    """The weighted sum of the parts that are there."""
    return sum(weight[name] * part for name, part in parts.items())


def std(noise: Float[Array, "b h w 3"]) -> Float[Array, "b"]:
    """Unbiased standard deviation of each row over all its pixels and channels."""
    return jnp.std(noise, axis=(1, 2, 3), ddof=1)


def diagnostics(parts: Mapping[str, Array]) -> dict[str, Array]:
    """PSNR in dB of the reconstructions whose mean squared error is among the parts."""
    names = {"rec_x": "psnr_x", "rec_y": "psnr_y"}
    return {
        names[part]: -10 * jnp.log10(jnp.maximum(parts[part], 1e-12))
        for part in names
        if part in parts
    }

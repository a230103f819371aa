"""Additive white Gaussian noise, of one strength or of a strength drawn for each image."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Key

from senm_jax.degradations import base, parameters


def add(
    key: Key[Array, ""], clean: Float[Array, "*b h w c"], std: Float[Array, "*#b"] | float
) -> Float[Array, "*b h w c"]:
    """The images plus independent normal noise of standard deviation ``std``, not clipped.

    ``std`` is in units of the [0, 1] scale, one number or one for each image.
    """
    noise = jax.random.normal(key, clean.shape, clean.dtype)
    return clean + noise * jax.numpy.asarray(std, clean.dtype)[..., None, None, None]


def add_fixed(clean: Float32[np.ndarray, "h w c"], std: float) -> Float32[np.ndarray, "h w c"]:
    """The image plus the noise of VDIR's test script: the same for every image of a size.

    NumPy's legacy generator seeded with 0, standard normal in float64, times ``std``; not clipped.
    """
    noise = np.random.RandomState(0).standard_normal(clean.shape)
    return (clean + noise * std).astype(np.float32)


def make(of: parameters.AWGN) -> base.Degradation:
    """Noise of a strength drawn for each image, which is told in units of the [0, 1] scale."""
    limits = [sigma / 255 for sigma in of.sigma_255]
    return base.Degradation(
        draw=lambda key: {"std": base.uniform(key, limits)},
        degrade=lambda key, clean, drawn: add(key, clean, drawn["std"]),
        tell=lambda drawn: drawn["std"][None],
    )


def make_fixed(of: parameters.AWGNFixed) -> base.Degradation:
    """The noise of `add_fixed`, whose strength is told in units of the [0, 1] scale."""
    std = of.sigma_255 / 255
    return base.Degradation(
        draw=lambda key: {},
        degrade=lambda key, clean, drawn: add_fixed(np.asarray(clean), std),
        tell=lambda drawn: jnp.full(1, std),
        on_host=True,
    )

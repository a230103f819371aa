"""Gaussian noise whose variance follows the value of the pixel.

CBDNet (Guo et al. 2019, "Toward convolutional blind denoising of real photographs") gives the
variance as linear in the light, while its code makes the standard deviation linear.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from senm_jax.degradations import base, parameters
from senm_jax.ops import keys


def add(
    key: Key[Array, ""],
    clean: Float[Array, "h w c"],
    signal: Float[Array, "#c"] | float,
    read: Float[Array, "#c"] | float,
    law: str,
) -> Float[Array, "h w c"]:
    """The image plus a part that follows its values and a part that does not; not clipped.

    ``quadratic``: variance signal^2 x^2 + read^2. ``linear``: signal^2 x + read^2. Both parts are
    drawn apart, by independent normal draws for each pixel and channel.
    """
    follows = clean if law == "quadratic" else jnp.sqrt(jnp.maximum(clean, 0))
    first, second = (jax.random.normal(keys.named(key, name), clean.shape)
                     for name in ("signal", "read"))
    return clean + signal * follows * first + read * second


def draw(of: parameters.Heteroscedastic, key: Key[Array, ""]) -> dict[str, Float[Array, "3"]]:
    """``signal`` and ``read`` of each channel, independent of each other."""
    return {name: base.uniform(keys.named(key, name), limits, (3,))
            for name, limits in (("signal", of.signal), ("read", of.read))}


def make(of: parameters.Heteroscedastic) -> base.Degradation:
    """Noise of levels drawn for each image and channel; ``signal`` and ``read`` are told."""
    return base.Degradation(
        draw=lambda key: draw(of, key),
        degrade=lambda key, clean, drawn: add(key, clean, drawn["signal"], drawn["read"], of.law),
        tell=lambda drawn: jnp.concatenate([drawn["signal"], drawn["read"]]),
    )

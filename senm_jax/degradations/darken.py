"""Too little light, as LUD-VAE's low-light experiment makes its clean domain of well-lit images.

D. Zheng et al., "Learn from Unpaired Data for Image Restoration: A Variational Bayes Approach"
(LUD-VAE), TPAMI 2022; ranges as the released code has them.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.degradations import base, parameters
from senm_jax.ops import keys


def darken(
    clean: Float[Array, "h w c"], gamma: Float[Array, ""] | float, gain: Float[Array, ""] | float
) -> Float[Array, "h w c"]:
    """The image, [0, 1], with each value x made ``gain * x**gamma``."""
    return gain * jnp.maximum(clean, 0) ** gamma


def make(of: parameters.Darken) -> base.Degradation:
    """``gamma`` and ``gain`` are drawn for each image, and told."""
    return base.Degradation(
        draw=lambda key: {name: base.uniform(keys.named(key, name), limits)
                          for name, limits in (("gamma", of.gamma), ("gain", of.gain))},
        degrade=lambda key, clean, drawn: darken(clean, **drawn),
        tell=lambda drawn: jnp.stack([drawn["gamma"], drawn["gain"]]),
    )

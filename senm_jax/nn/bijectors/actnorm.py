"""A shift and a scale of each channel."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import base


class ActNorm(nn.Module):
    """``v = (u + bias) * exp(log_scale)`` by channel; log-det ``h w sum(log_scale)``.

    Initialised so that the first batch it sees leaves it with mean 0 and deviation 1 in every
    channel: variables are to be made by ``forward`` on data.
    """

    @nn.compact
    def coefficients(
        self, u: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "c"], Float[Array, "c"]]:
        """Bias and log scale; from ``u`` where they are not there yet."""
        axes = (0, 1, 2)
        bias = self.param("bias", lambda key: -jnp.mean(u, axes))

        def log_scale(key):
            deviation = jnp.sqrt(jnp.mean(jnp.square(u + bias), axes))
            return -jnp.log(deviation + 1e-6)  # a constant channel has deviation 0

        return bias, self.param("log_scale", log_scale)

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the latent."""
        bias, log_scale = self.coefficients(u)
        return (u + bias) * jnp.exp(log_scale), base.everywhere(jnp.sum(log_scale), u)

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the image."""
        bias, log_scale = self.coefficients(v)
        return v * jnp.exp(-log_scale) - bias, -base.everywhere(jnp.sum(log_scale), v)

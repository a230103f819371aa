"""A bijector many times in a row, compiled once."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import base


class Repeat(nn.Module):
    """A bijector so many times in a row, each with parameters of its own, compiled once.

    Parameters are stacked along a new first axis.
    """

    layer: nn.Module
    length: int

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the latent."""
        return self._run("forward", u, features)

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the image."""
        return self._run("inverse", v, features)

    def _run(self, direction, u, features):
        def step(layer, carry, features):
            u, log_det = carry
            u, more = getattr(layer, direction)(u, features)
            return (u, log_det + more), None

        run = nn.scan(
            step, variable_axes={"params": 0, "statistics": 0}, split_rngs={"params": True},
            in_axes=nn.broadcast, length=self.length, reverse=direction == "inverse",
        )
        return run(self.layer, (u, jnp.zeros(u.shape[0])), features)[0]

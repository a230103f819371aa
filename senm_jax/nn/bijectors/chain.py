"""Bijectors one after another."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import base


class Chain(nn.Module):
    """Bijectors one after another: ``forward`` applies the first one first."""

    layers: Sequence[nn.Module]

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the latent."""
        log_det = jnp.zeros(u.shape[0])
        for layer in self.layers:
            u, more = layer.forward(u, features)
            log_det += more
        return u, log_det

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the image."""
        log_det = jnp.zeros(v.shape[0])
        for layer in reversed(self.layers):
            v, more = layer.inverse(v, features)
            log_det += more
        return v, log_det

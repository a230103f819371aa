"""An affine map of all channels, by the features alone."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import affine, base


class Injector(nn.Module):
    """``v = u / scale - shift`` of all channels, both from the features alone."""

    hidden: int
    floor: float = 0.001
    dtype: Any = jnp.float32
    kind: type[nn.Module] = affine.Coefficients
    """Of the network: `affine.Coefficients`, or what is built and called like it."""

    def setup(self):
        self.network = self.kind(self.hidden, self.floor, self.dtype)

    def forward(self, u: Float[Array, "b h w c"], features: Float[Array, "b h w f"]) -> base.Result:
        """Towards the latent."""
        return affine.divide(u, *self.network(features, u.shape[-1]))

    def inverse(self, v: Float[Array, "b h w c"], features: Float[Array, "b h w f"]) -> base.Result:
        """Towards the image."""
        return affine.multiply(v, *self.network(features, v.shape[-1]))

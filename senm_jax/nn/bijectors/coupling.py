"""An affine map of half of the channels, by the other half and the features."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import affine, base


class Coupling(nn.Module):
    """``v2 = u2 / scale - shift`` of the second half, both from the first half and the features."""

    hidden: int
    floor: float = 0.001
    dtype: Any = jnp.float32
    kind: type[nn.Module] = affine.Coefficients
    """Of the network: `affine.Coefficients`, or what is built and called like it."""

    def setup(self):
        self.network = self.kind(self.hidden, self.floor, self.dtype)

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the latent; ValueError for an odd number of channels."""
        kept, moved = _halves(u)
        shift, scale = self._coefficients(kept, features)
        moved, log_det = affine.divide(moved, shift, scale)
        return jnp.concatenate([kept, moved], -1), log_det

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the image; ValueError for an odd number of channels."""
        kept, moved = _halves(v)
        shift, scale = self._coefficients(kept, features)
        moved, log_det = affine.multiply(moved, shift, scale)
        return jnp.concatenate([kept, moved], -1), log_det

    def _coefficients(self, kept, features):
        given = kept if features is None else jnp.concatenate([kept, features], -1)
        return self.network(given, kept.shape[-1])


def _halves(x):
    if x.shape[-1] % 2:
        raise ValueError(f"coupling: expected an even number of channels, got {x.shape[-1]}")
    return jnp.split(x, 2, -1)

"""Cells of pixels as channels."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn.bijectors import base
from senm_jax.ops import pixels


class Squeeze(nn.Module):
    """Each 2x2 cell's pixels as channels, in the order of `pixels.unshuffle`; log-det 0."""

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Half the height and width; ValueError unless both are even."""
        if u.shape[1] % 2 or u.shape[2] % 2:
            raise ValueError(
                f"squeeze: expected an even height and width, got {u.shape[1]}x{u.shape[2]}"
            )
        return pixels.unshuffle(u, 2), jnp.zeros(u.shape[0])

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Twice the height and width; ValueError unless 4 divides the channels."""
        if v.shape[-1] % 4:
            raise ValueError(f"squeeze: expected channels by fours, got {v.shape[-1]}")
        return pixels.shuffle(v, 2), jnp.zeros(v.shape[0])

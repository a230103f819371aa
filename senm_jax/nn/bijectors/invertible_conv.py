"""A matrix at every pixel."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import initial
from senm_jax.nn.bijectors import base

EXACT = jax.lax.Precision.HIGHEST
"""Of the products that are undone later: a round trip is as good as they are."""


class InvertibleConv(nn.Module):
    """``v = W u`` at every pixel, W kept as its LU factors (see `initial.rotation`).

    ``W = P L (U + diag(sign exp(s)))``; log-det ``h w sum(s)``. The permutation and the signs are
    drawn once, with a random rotation, and are no parameters: they lie in ``statistics``.
    """

    @nn.compact
    def factors(self, channels: int) -> tuple[Array, Array, Array, Float[Array, "c"]]:
        """Lower and upper factor [c, c], the order of rows, and s."""
        drawn = {}

        def draw(key):
            drawn["lu"], drawn["order"], drawn["sign"] = initial.rotation(key, channels)
            return drawn["lu"]

        lu = self.param("lu", draw)
        order = self.variable("statistics", "order", lambda: drawn["order"]).value
        sign = self.variable("statistics", "sign", lambda: drawn["sign"]).value
        log_diagonal = jnp.diagonal(lu)
        lower = jnp.tril(lu, -1) + jnp.eye(channels)
        upper = jnp.triu(lu, 1) + jnp.diag(sign * jnp.exp(log_diagonal))
        return lower, upper, order, log_diagonal

    def forward(self, u: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the latent."""
        lower, upper, order, log_diagonal = self.factors(u.shape[-1])
        weight = jnp.matmul(lower, upper, precision=EXACT)[order]
        v = jnp.einsum("bhwi,oi->bhwo", u, weight, precision=EXACT)
        return v, base.everywhere(jnp.sum(log_diagonal), u)

    def inverse(self, v: Float[Array, "b h w c"], features: base.Features = None) -> base.Result:
        """Towards the image."""
        lower, upper, order, log_diagonal = self.factors(v.shape[-1])
        unordered = jnp.eye(v.shape[-1])[order].T
        half = jax.scipy.linalg.solve_triangular(
            lower, unordered, lower=True, unit_diagonal=True
        )
        weight = jax.scipy.linalg.solve_triangular(upper, half)
        u = jnp.einsum("bhwi,oi->bhwo", v, weight, precision=EXACT)
        return u, -base.everywhere(jnp.sum(log_diagonal), v)

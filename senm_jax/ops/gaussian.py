"""Diagonal Gaussians given by mean and log standard deviation; standard normal draws."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.ops import keys

Normal = Callable[[str, tuple[int, ...]], Float[Array, "b h w c"]]
"""``normal(name, shape)``: standard normal draws for the purpose ``name``."""


def sample(
    mean: Float[Array, "*s"], log_std: Float[Array, "*s"], eps: Float[Array, "*s"]
) -> Float[Array, "*s"]:
    """The draw ``mean + exp(log_std) * eps``, with ``eps`` standard normal.

    ``eps`` is kept for the gradient, not what it is computed from.
    """
    return mean + jnp.exp(log_std) * jax.lax.optimization_barrier(eps)


@jax.checkpoint
def kl(
    mean_1: Float[Array, "*s"],
    log_std_1: Float[Array, "*s"],
    mean_2: Float[Array, "*s"],
    log_std_2: Float[Array, "*s"],
) -> Float[Array, "*s"]:
    """KL( N(mean_1, std_1) || N(mean_2, std_2) ) of every element, in nats.

    log s2 - log s1 - 1/2 + (s1^2 + (m1 - m2)^2) / (2 s2^2), with the quotients formed from
    differences of logarithms so that two small deviations do not divide 0 by 0. For the gradient
    the four arguments alone are kept.
    """
    ratio = jnp.exp(2 * (log_std_1 - log_std_2))
    distance = jnp.square((mean_1 - mean_2) * jnp.exp(-log_std_2))
    return log_std_2 - log_std_1 + 0.5 * (ratio + distance - 1)


def draws(key: jax.Array) -> Normal:
    """Standard normal draws in bulk; each name has its own key."""
    return lambda name, shape: jax.random.normal(keys.named(key, name), shape)


def field(
    key: jax.Array, origin: Int[Array, "b 2"], size: tuple[int, int]
) -> Normal:
    """Standard normal draws that belong to places of an image.

    A draw at row i, column j of a [b, h, w, c] array is a function of the row's key, the name,
    and the place (i, j) + origin on the array's own grid alone, so that tiles of one image hold
    the same noise wherever they overlap.

    Args:
        key: one typed key a row, shape [b].
        origin: each tile's upper left pixel (row, column) in its image; may be negative.
        size: the tile's height and width in pixels; an array of height h has a grid that is
            ``size[0] / h`` times coarser, and origins are multiples of that.
    """

    def normal(name: str, shape: tuple[int, ...]) -> Float[Array, "b h w c"]:
        _, h, w, c = shape
        step = jnp.array([size[0] // h, size[1] // w])

        def one(key, origin):
            # An offset keeps places left of and above the image apart from those within.
            row, column = origin // step + 2**30
            key = keys.named(key, name)
            rows = jax.vmap(jax.random.fold_in, (None, 0))(key, row + jnp.arange(h))
            along = jax.vmap(jax.random.fold_in, (None, 0))
            places = jax.vmap(along, (0, None))(rows, column + jnp.arange(w))
            at = jax.vmap(jax.vmap(lambda place: jax.random.normal(place, (c,))))
            return at(places)

        return jax.vmap(one)(key, origin)

    return normal

"""The border of an image that is smaller than its tile, kept without touching the network.

A convolution sees zeros beyond the image's border, in every layer. Inside a tile that reaches
beyond the image there would be pixels instead: the tile's own filling in the first layer, biases
in the next. So each convolution's input is set to zero there before the convolution reads it.
Modules that replicate the border instead say so by a class attribute ``border = "edge"``: all of
their input beyond the image is replaced by the nearest pixel of the image. Modules that pool the
largest say ``border = "lowest"`` and see minus infinity there. Modules that hold
several convolutions in one say ``border = "mask"`` and are given, as their last argument, which
places belong to the image; those with ``border = "end"`` are given where the image ends.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def interceptor(size: Int[Array, "b 2"], tile: tuple[int, int]):
    """A Flax method interceptor for tiles whose images end at ``size``.

    ``size`` is counted in pixels from the tile's upper left corner; layers of other resolutions
    are recognised by their height and width in relation to those of ``tile``, and a cell that the
    image's end cuts belongs to it.
    """

    def intercept(next_method, args, kwargs, context):
        border = getattr(context.module, "border", None)
        if context.method_name == "__call__" and args:
            x, *rest = args
            if border == "mask":
                args = (*args, _inside(x, size, tile))
            elif border == "edge":
                args = (_replicate(x, size, tile), *rest)
            elif border == "lowest":
                args = (jnp.where(_inside(x, size, tile), x, -jnp.inf), *rest)
            elif border == "end":
                args = (*args, size)
            elif isinstance(context.module, (nn.Conv, nn.ConvTranspose)) or border == "zero":
                args = (jnp.where(_inside(x, size, tile), x, 0), *rest)
        return next_method(*args, **kwargs)

    return intercept


def _ends(x: jax.Array, size: jax.Array, tile: tuple[int, int]) -> tuple[jax.Array, jax.Array]:
    """Each row's height and width on the grid of ``x``."""
    return tuple(
        -(-size[:, axis] * x.shape[axis + 1] // tile[axis]) for axis in range(2)
    )


def _inside(x: Float[Array, "b h w c"], size: jax.Array, tile: tuple[int, int]) -> jax.Array:
    """bool [b, h, w, 1], whether a place of ``x`` belongs to the image."""
    rows, columns = _ends(x, size, tile)
    return (
        (jnp.arange(x.shape[1]) < rows[:, None])[:, :, None]
        & (jnp.arange(x.shape[2]) < columns[:, None])[:, None, :]
    )[..., None]


def _replicate(x: Float[Array, "b h w c"], size: jax.Array, tile: tuple[int, int]) -> jax.Array:
    rows, columns = _ends(x, size, tile)
    rows = jnp.minimum(jnp.arange(x.shape[1]), rows[:, None] - 1)
    columns = jnp.minimum(jnp.arange(x.shape[2]), columns[:, None] - 1)
    x = jnp.take_along_axis(x, rows[:, :, None, None], axis=1)
    return jnp.take_along_axis(x, columns[:, None, :, None], axis=2)

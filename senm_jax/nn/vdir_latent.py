"""What VDIR's networks share: the latent's grid, the latent enlarged, and how convolutions start.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import blocks, initial
from senm_jax.ops import resize

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "_ _ _ _"]
CELL = 4
"""Pixels of the image that a cell of the latent is wide."""
lecun = initial.truncated_normal(1.0)
"""What kernels start from."""


def conv(
    inputs: int, features: int, name: str, dtype: Any, kernel_init: initial.Initializer = lecun
) -> nn.Conv:
    """A 3x3 convolution as VDIR's networks start them."""
    return blocks.conv(inputs, features, name=name, dtype=dtype, kernel_init=kernel_init,
                       bias_init=blocks.zeros)


class Upsample(nn.Module):
    """The latent enlarged as by `resize.bilinear_tf1`, whose places depend on the whole image's
    size where that is no multiple of 4."""

    border = "end"
    """See `inference.borders`."""

    @nn.compact
    def __call__(
        self, latent: Latent, size: tuple[int, int], origin: Int[Array, "b 2"] | None = None,
        end: Int[Array, "b 2"] | None = None,
    ) -> Image:
        """The map at ``size`` (height, width), float32.

        ``origin`` and ``end`` say where a tile lies in its image, and where in the tile the image
        ends, both in the image's pixels; without ``end`` the latent is an image's own.
        """
        if end is None:
            return resize.bilinear_tf1(latent, size)
        for axis, length in enumerate(size):
            step = CELL * latent.shape[axis + 1] // length
            start, whole = origin[:, axis, None], (origin + end)[:, axis, None]
            cells, places = -(-whole // CELL), -(-whole // step)
            place = (start // step + jnp.arange(length)) * (cells / places)
            place = jnp.minimum(place, cells - 1) - start / CELL
            latent = resize.linear(latent, axis + 1, place)
        return latent

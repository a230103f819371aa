"""Colour filter mosaics, and their interpolation by Malvar, He and Cutler.

"High-quality linear interpolation for demosaicing of Bayer-patterned color images", ICASSP 2004;
MATLAB's ``demosaic``.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

PATTERNS = ("gbrg", "grbg", "bggr", "rggb")
"""Colours of a cell of 2 x 2 pixels, from left to right and from top to bottom."""
_CHANNELS = np.array([["rgb".index(letter) for letter in name] for name in PATTERNS])

_GREEN = [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
_ALONG = [[0, 0, .5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0],
          [0, 0, .5, 0, 0]]
_ACROSS = [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0],
           [0, 0, -1.5, 0, 0]]
FILTERS = np.stack([_GREEN, _ALONG, np.transpose(_ALONG), _ACROSS]).astype(np.float32) / 8
"""Green at red or blue; red or blue at green where its row has it, where its column has it; red at
blue and blue at red."""


def channels(
    pattern: Int[Array, ""] | int, height: int, width: int
) -> Int[Array, "h w"]:
    """The channel, 0 to 2, that each pixel holds; ``pattern`` is a place in `PATTERNS`."""
    cell = jnp.asarray(_CHANNELS)[pattern].reshape(2, 2)
    return jnp.tile(cell, (-(-height // 2), -(-width // 2)))[:height, :width]


def mosaic(image: Float[Array, "h w 3"], held: Int[Array, "h w"]) -> Float[Array, "h w"]:
    """The one channel that each pixel holds."""
    return jnp.take_along_axis(image, held[..., None], axis=2)[..., 0]


def demosaic(raw: Float[Array, "h w"], held: Int[Array, "h w"]) -> Float[Array, "h w 3"]:
    """The colours of a mosaic, not clipped.

    Borders are mirrored without their edge, which keeps the pattern. Images have at least 2 rows
    and 2 columns.
    """
    padded = jnp.pad(raw, 2, mode="reflect")[None, ..., None]
    guesses = jax.lax.conv_general_dilated(
        padded, jnp.asarray(FILTERS).transpose(1, 2, 0)[:, :, None], (1, 1), "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"), precision=jax.lax.Precision.HIGHEST,
    )[0]
    green, along, down, across = (guesses[..., i] for i in range(4))
    # A row or column of the pattern holds green and one other colour.
    beside = jnp.where(held[:, :1] == 1, held[:, 1:2], held[:, :1])
    colours = []
    for channel in (0, 2):
        at_green = jnp.where(beside == channel, along, down)
        other = jnp.where(held == 1, at_green, across)
        colours.append(jnp.where(held == channel, raw, other))
    return jnp.stack([colours[0], jnp.where(held == 1, raw, green), colours[1]], axis=-1)

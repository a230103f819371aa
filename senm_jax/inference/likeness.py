"""Noise of the strength that pairs have where the picture is alike.

The noise of processed photographs is the stronger the more texture there is: flat areas are
smoothed in the camera, and what is left of detail is left of noise too. A pair's strength that is
given to just any clean image puts strong noise where a camera leaves little.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

LEAST_DIFFERENCE = 1e-3
"""Added to differences of pixels, a quarter of an 8-bit step: flat images have a texture too."""
LEAST_LEVEL = 1e-4
"""Of levels whose logarithm is taken."""

Image = Float32[np.ndarray, "h w 3"]


class Line(NamedTuple):
    """How the logarithm of the level goes with texture among pairs."""

    slope: float
    low: float
    """The least texture among the pairs, and below it is counted as this."""
    high: float

    def moved(self, level: float, texture: float, to: float) -> float:
        """The level of a pair of this texture, moved along the line to that of another picture."""
        return level * float(np.exp(self.slope * (np.clip(to, self.low, self.high) - texture)))


def texture(image: Image) -> float:
    """The logarithm of how much neighbouring pixels of an image in [0, 1] differ on average."""
    differences = [np.abs(np.diff(image, axis=axis)).ravel() for axis in (0, 1)]
    joined = np.concatenate(differences)
    return float(np.log(LEAST_DIFFERENCE + (joined.mean() if joined.size else 0)))


def line(levels: Sequence[float], textures: Sequence[float]) -> Line:
    """The least-squares line of log level on texture; flat where all textures are one."""
    log_levels, x = np.log(np.maximum(levels, LEAST_LEVEL)), np.asarray(textures)
    off = x - x.mean()
    spread = np.square(off).sum()
    slope = float((off * log_levels).sum() / spread) if spread else 0.0
    return Line(slope, float(x.min()), float(x.max()))

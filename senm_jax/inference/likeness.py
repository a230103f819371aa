"""Noise of the strength that pairs have where the picture is alike.

Of processed photographs, those with more texture may have the stronger noise, as PolyU's have. A
pair's strength that is given to just any clean image puts strong noise where a camera leaves
little. How much strength goes with texture is read off the pairs at hand, and may be nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

LEAST_DIFFERENCE = 1e-3
"""Added to differences of pixels, a quarter of an 8-bit step: flat images have a texture too."""
LEAST_LEVEL = 1e-3
"""Of pairs that tell how levels go with texture; weaker ones are clipped images, or no noise."""
LEAST_SPREAD = 0.01
"""Of textures: what pairs within a hundredth of each other tell is chance."""

Image = Float32[np.ndarray, "h w 3"]


class Line(NamedTuple):
    """How the logarithm of the level goes with texture among pairs, within what they have."""

    slope: float
    textures: tuple[float, float]
    """The least and the greatest."""
    levels: tuple[float, float]

    def moved(self, level: float, texture: float, to: float) -> float:
        """The level of a pair of this texture, moved along the line to that of another picture."""
        step = np.clip([texture, to], *self.textures)
        return float(np.clip(level * np.exp(self.slope * (step[1] - step[0])), *self.levels))


def texture(image: Image) -> float:
    """The logarithm of how much neighbouring pixels of an image in [0, 1] differ on average."""
    total = count = 0
    for axis in (0, 1):
        differences = np.abs(np.diff(image, axis=axis))
        total, count = total + differences.sum(dtype=np.float64), count + differences.size
    return float(np.log(LEAST_DIFFERENCE + total / max(count, 1)))


def line(levels: Sequence[float], textures: Sequence[float]) -> Line:
    """The least-squares line of log level on texture; flat where all textures are about one."""
    levels, textures = np.asarray(levels, float), np.asarray(textures, float)
    telling = levels >= LEAST_LEVEL
    slope = 0.0
    if telling.any() and textures[telling].std() > LEAST_SPREAD:
        slope = float(np.polyfit(textures[telling], np.log(levels[telling]), 1)[0])
    return Line(
        slope, (float(textures.min()), float(textures.max())),
        (float(levels.min()), float(levels.max())),
    )

"""Noise of the strength that was asked for, on each image.

A network's noise has the standard deviation it is given as its level only roughly: less where much
was lost in the latent, more or less by what is in the picture. So it is tried first, and the level
changed by as much as the trial missed; a second trial tells by how much noise goes with the level
here (in proportion to a power of it), and the level is changed by what is still missed.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

SIDE = 256
"""Of the windows of an image on which its noise is tried, in pixels."""
MOST = 4.0
"""A level is changed by this factor at most, either way."""
LEAST = 0.01
"""The least change of a level, as a logarithm, that tells how noise goes with it."""
POWERS = (0.5, 2.0)
"""Noise is taken to go with a power of the level between these."""

Image = Float32[np.ndarray, "_ _ 3"]


def settle(
    sample: Callable[[list[Image], list[int], Float32[np.ndarray, "n"]], list[Image]],
    images: Sequence[Image],
    asked: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "n"]:
    """The levels to give for noise of the standard deviation ``asked`` in each image.

    ``sample(windows, of, levels)`` draws a trial: noisy versions of windows, each of the image
    whose number ``of`` names, at levels given by image, always of the same random draws. Noise is
    counted after clipping to [0, 1]. Where a trial has none, or none is asked for, the level stays.
    """
    cut = [(i, window) for i, image in enumerate(images) for window in windows(image)]
    of, clean = [i for i, _ in cut], [window for _, window in cut]

    def missed(levels):
        """The logarithm of the strength asked for over a trial's, by image."""
        noise = {i: [] for i in of}
        for i, x, y in zip(of, clean, sample(clean, of, levels), strict=True):
            noise[i].append((np.clip(y, 0, 1) - x).ravel())
        found = np.array([np.concatenate(noise[i]).std() for i in range(len(images))])
        usable = (asked > 0) & (found > 0)
        return np.log(np.where(usable, asked, 1) / np.where(usable, found, 1))

    most = np.log(MOST)
    first = missed(asked)
    step = np.clip(first, -most, most)
    second = missed(asked * np.exp(step).astype(np.float32))
    moved = np.abs(step) > LEAST
    power = np.where(moved, (first - second) / np.where(moved, step, 1), 1)
    step = np.clip(step + second / np.clip(power, *POWERS), -most, most)
    return asked * np.exp(step).astype(np.float32)


def windows(image: Image) -> list[Image]:
    """One along an axis that it covers, two along a longer one; none depends on a tiling."""
    spans = []
    for length in image.shape[:2]:
        free = max(length - SIDE, 0)
        starts = sorted({free // 4, free - free // 4})
        spans.append([slice(start, start + SIDE) for start in starts])
    return [image[rows, cols] for rows in spans[0] for cols in spans[1]]

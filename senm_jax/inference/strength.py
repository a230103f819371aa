"""Noise nearer to the strength that was asked for, on each image.

A network's noise has the standard deviation it is given as its level only roughly: less where much
was lost in the latent, more or less by what is in the picture. So it is tried first, and the level
changed by as much as the trial missed. That is exact where noise goes in proportion to the level.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

SIDE = 256
"""Of the windows of an image on which its noise is tried, in pixels."""
MOST = 4.0
"""A level is changed by this factor at most, either way."""

Image = Float32[np.ndarray, "_ _ 3"]


def settle(
    sample: Callable[[list[Image], list[int]], list[Image]],
    images: Sequence[Image],
    asked: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "n"]:
    """The levels to give for noise of the standard deviation ``asked`` in each image.

    ``sample(windows, of)`` draws the trials: noisy versions of windows, each of the image whose
    number ``of`` names, at the levels asked for. Noise is counted after clipping to [0, 1]. Where
    a trial has none, or none is asked for, the level stays.
    """
    cut = [(i, window) for i, image in enumerate(images) for window in windows(image)]
    of, clean = [i for i, _ in cut], [window for _, window in cut]
    noise = {i: [] for i in of}
    for i, x, y in zip(of, clean, sample(clean, of), strict=True):
        noise[i].append((np.clip(y, 0, 1) - x).ravel())
    levels = asked.copy()
    for i, parts in noise.items():
        found = np.concatenate(parts).std()
        if asked[i] > 0 and found > 0:
            levels[i] *= np.clip(asked[i] / found, 1 / MOST, MOST)
    return levels


def windows(image: Image) -> list[Image]:
    """One along an axis that it covers, two along a longer one; none depends on a tiling."""
    spans = []
    for length in image.shape[:2]:
        free = max(length - SIDE, 0)
        starts = sorted({free // 4, free - free // 4})
        spans.append([slice(start, start + SIDE) for start in starts])
    return [image[rows, cols] for rows in spans[0] for cols in spans[1]]

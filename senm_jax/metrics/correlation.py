"""Spatial correlation of noise (AP-BSN's figure; NAFlow's figure 5) and correlation of its colours,
pooled over images.

Sums are gathered image by image and added, so that a data set of any size is one map.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from jaxtyping import Float

Map = Float[np.ndarray, "side side"]


class Sums(NamedTuple):
    """Sums over all pairs of places p and p + d inside an image, by the offset d."""

    count: Map
    product: Map
    """Of the noise at p times the noise at p + d."""
    here: Map
    here_squared: Map
    there: Map
    there_squared: Map


def sums(noise: Float[np.ndarray, "h w c"], radius: int = 6) -> Sums:
    """The sums of one image's noise for offsets (row, column) from -radius to radius.

    Channels are pooled. Arrays are indexed by offset + radius.

    Raises:
        ValueError: a side is not larger than the radius.
    """
    height, width, channels = noise.shape
    if min(height, width) <= radius:
        raise ValueError(
            f"correlation: expected sides above the radius of {radius}, got {height}x{width}"
        )
    noise = noise.astype(np.float64)
    offsets = np.arange(-radius, radius + 1)
    pairs = np.outer(height - np.abs(offsets), width - np.abs(offsets)) * channels
    here = _sums_here(noise.sum(axis=2), radius)
    squared = _sums_here(np.square(noise).sum(axis=2), radius)
    # p + d runs over the places that p runs over for the offset -d.
    return Sums(
        count=pairs.astype(np.float64),
        product=_products(noise, radius),
        here=here,
        here_squared=squared,
        there=here[::-1, ::-1],
        there_squared=squared[::-1, ::-1],
    )


def add(first: Sums, second: Sums) -> Sums:
    """The sums of both sets of images together."""
    return Sums(*(a + b for a, b in zip(first, second, strict=True)))


def pooled(gathered: Sums) -> Map:
    """The map rho(d) = cov(n(p), n(p + d)) / (std n(p) std n(p + d)), means removed.

    rho(0) = 1 and rho(d) = rho(-d). Independent noise gives 0 +- 1 / sqrt(number of pixels); noise
    without variance gives 0, at the centre too.
    """
    count = gathered.count
    here, there = gathered.here / count, gathered.there / count
    covariance = gathered.product / count - here * there
    variances = (gathered.here_squared / count - here**2) * (
        gathered.there_squared / count - there**2
    )
    flat = variances <= 0
    return np.where(flat, 0.0, covariance / np.sqrt(np.where(flat, 1.0, variances)))


def neighbour(correlation: Map) -> tuple[float, float]:
    """The correlation with the next pixel to the right and with the next below."""
    centre = correlation.shape[0] // 2
    return float(correlation[centre, centre + 1]), float(correlation[centre + 1, centre])


def error(generated: Map, real: Map) -> float:
    """The spatial correlation error: RMS difference of two maps, the centre left out."""
    centre = real.shape[0] // 2
    square = np.square(generated - real)
    square[centre, centre] = 0
    return math.sqrt(square.sum() / (square.size - 1))


def colour_sums(noise: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "c c"]:
    """The sums of one image's noise for `colours`, to be added to those of others: products, by two
    channels, of its differences to the next pixel to the right and to the next below."""
    return sum(np.einsum("hwi,hwj->ij", step, step)
               for step in (np.diff(noise, axis=1), np.diff(noise, axis=0)))


def colours(gathered: Float[np.ndarray, "c c"]) -> float:
    """How much fine noise is alike in the colours: the correlation of two channels' differences of
    neighbours, mean over the pairs of channels.

    A camera's demosaicing and colour matrix make it so (S. Nam et al., "A Holistic Approach to
    Cross-Channel Image Noise Modeling", CVPR 2016). Differences of neighbours, because a change of
    the light is alike in the colours too. A channel without noise gives 0.
    """
    first, second = np.triu_indices(len(gathered), 1)
    std = np.sqrt(np.diag(gathered))
    scale = std[first] * std[second]
    flat = scale == 0
    return float(np.where(flat, 0, gathered[first, second] / np.where(flat, 1, scale)).mean())


def _products(noise: Float[np.ndarray, "h w c"], radius: int) -> Map:
    """Sums of n(p) n(p + d) by Fourier transform; padded, so that nothing wraps around."""
    size = [scipy.fft.next_fast_len(side + radius, real=True) for side in noise.shape[:2]]
    spectrum = scipy.fft.rfft2(noise, size, axes=(0, 1))
    power = np.square(np.abs(spectrum)).sum(axis=2)
    lags = np.arange(-radius, radius + 1)
    return scipy.fft.irfft2(power, size)[np.ix_(lags, lags)]


def _sums_here(values: Float[np.ndarray, "h w"], radius: int) -> Map:
    """Sums of values(p) over the places p for which p and p + d are inside, by d."""
    rows, columns = (_insides(side, radius) for side in values.shape)
    return rows.astype(np.float64) @ values @ columns.T.astype(np.float64)


def _insides(size: int, radius: int) -> np.ndarray:
    """Whether place p and p + d are both among ``size``: a truth table by (d, p)."""
    there = np.arange(size) + np.arange(-radius, radius + 1)[:, None]
    return (there >= 0) & (there < size)

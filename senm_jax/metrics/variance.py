"""Noise variance against intensity: the curve that a camera's gain and read noise show in.

Sums are gathered image by image and added, so that a data set of any size is one curve.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

Bins = Float[np.ndarray, "c bins"]


class Sums(NamedTuple):
    """Sums over the pixels of each channel whose *clean* value lies in an intensity bin."""

    count: Bins
    intensity: Bins
    noise: Bins
    noise_squared: Bins


class Curve(NamedTuple):
    """Per channel and bin; NaN where the bin holds fewer than two pixels."""

    count: Bins
    intensity: Bins
    """Mean clean value, on the [0, 1] scale."""
    mean: Bins
    """Mean noise, on the [0, 1] scale."""
    variance: Bins
    """Unbiased variance of the noise about the bin's own mean, on the [0, 1] scale squared."""


def sums(
    clean: UInt8[np.ndarray, "h w c"], noise: Float[np.ndarray, "h w c"], bins: int = 16
) -> Sums:
    """The sums of one image in ``bins`` equal bins of the clean value over 0..256, per channel.

    ``noise`` is noisy - clean on the [0, 1] scale.
    """
    channels = clean.shape[2]
    bin_of = clean.astype(np.int64) * bins // 256 + np.arange(channels) * bins
    noise = noise.astype(np.float64)

    def gather(values):
        total = np.bincount(bin_of.ravel(), values, channels * bins)
        return total.astype(np.float64).reshape(channels, bins)

    return Sums(
        count=gather(None),
        intensity=gather(clean.ravel() / 255),
        noise=gather(noise.ravel()),
        noise_squared=gather(np.square(noise).ravel()),
    )


def add(first: Sums, second: Sums) -> Sums:
    """The sums of both sets of images together."""
    return Sums(*(a + b for a, b in zip(first, second, strict=True)))


def curve(gathered: Sums) -> Curve:
    """The variance-against-intensity curve of each channel."""
    count = np.where(gathered.count > 1, gathered.count, np.nan)
    mean = gathered.noise / count
    square = np.maximum(gathered.noise_squared / count - np.square(mean), 0)
    return Curve(
        count=gathered.count,
        intensity=gathered.intensity / count,
        mean=mean,
        variance=square * count / (count - 1),
    )


def error(generated: Curve, real: Curve) -> float:
    """The variance-against-intensity error: sum n |v_generated - v_real| / sum n v_real.

    Over all channels and bins, n being the number of pixels of the bin: 0 for equal curves, 1 for
    no noise at all, 3 for noise of twice the deviation everywhere. Both curves are of the same
    clean images, so that n is the same. NaN where the real noise has no variance.
    """
    weight = real.count
    gap = np.nansum(weight * np.abs(generated.variance - real.variance))
    total = np.nansum(weight * real.variance)
    return float(gap / total) if total > 0 else float("nan")

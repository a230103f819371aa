"""Maximum mean discrepancy of two sets of vectors, biased estimate, Gaussian kernels."""

from collections.abc import Sequence

import numpy as np
import scipy.spatial.distance
from jaxtyping import Float

First = Float[np.ndarray, "n d"]
Second = Float[np.ndarray, "m d"]
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)


def gaussian(x: First, y: Second, bandwidths: Sequence[float]) -> float:
    """mean k(x, x) + mean k(y, y) - 2 mean k(x, y), k the sum of exp(-d^2 / b) over ``bandwidths``.

    Means run over all ordered pairs, those of a point with itself too.
    """

    def mean_kernel(a, b):
        square = scipy.spatial.distance.cdist(a.astype(np.float64), b, "sqeuclidean")
        return sum(np.exp(-square / bandwidth).mean() for bandwidth in bandwidths)

    return float(mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y))


def multiscale(x: First, y: Second) -> float:
    """`gaussian` with five bandwidths: b * (1/4, 1/2, 1, 2, 4); at most 10.

    b is the mean squared distance over all pairs of distinct points of both sets. LUD-VAE gives
    neither kernel nor bandwidth; this is the routine usual in domain adaptation. Compare the
    order of settings, not the values.

    Raises:
        ValueError: all points are equal, so that there is no bandwidth.
    """
    square = scipy.spatial.distance.pdist(np.concatenate([x, y]).astype(np.float64), "sqeuclidean")
    bandwidth = square.mean()
    if not bandwidth > 0:
        raise ValueError("MMD: expected points that differ, got all equal: no bandwidth to choose")
    return gaussian(x, y, [bandwidth * scale for scale in SCALES])

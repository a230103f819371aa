"""Frechet distance of feature distributions (Heusel et al., 2017).

The features are the caller's: FID proper takes the 2048 pooled ones of the 2015 Inception graph at
299x299. With fewer images than features the covariance is singular: compare only at equal counts.
"""

from collections.abc import Callable, Iterable

import numpy as np
import scipy.linalg
from jaxtyping import Float

Features = Callable[[np.ndarray], np.ndarray]
"""``features(images) -> [n, d]`` of a batch of images."""


def fid(features: Features, generated: Iterable[np.ndarray], real: Iterable[np.ndarray]) -> float:
    """The Frechet distance between the features of generated and of real batches of images."""
    rows = [np.concatenate([features(batch) for batch in side]) for side in (generated, real)]
    return frechet(*rows)


def frechet(first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "m d"]) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); sample covariances, float64, real part.

    Where the square root is not finite, 1e-6 is added to both diagonals.

    Raises:
        ValueError: a side has fewer than two rows.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(
            f"Frechet distance: expected at least 2 rows a side, got {len(first)} and {len(second)}"
        )
    first, second = first.astype(np.float64), second.astype(np.float64)
    s1, s2 = (np.atleast_2d(np.cov(side, rowvar=False)) for side in (first, second))
    root = scipy.linalg.sqrtm(s1 @ s2)
    if not np.all(np.isfinite(root)):
        ridge = 1e-6 * np.eye(len(s1))
        root = scipy.linalg.sqrtm((s1 + ridge) @ (s2 + ridge))
    shift = np.sum(np.square(first.mean(axis=0) - second.mean(axis=0)))
    return float(shift + np.trace(s1) + np.trace(s2) - 2 * np.trace(root).real)

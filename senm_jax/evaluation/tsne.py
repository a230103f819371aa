"""Exact t-SNE of some thousand points.

L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 2008, with the later habits of a
start at the principal components and a larger early exaggeration, so that nothing is drawn.
"""

import numpy as np
from jaxtyping import Float

STEPS, EXAGGERATED = 750, 250
"""Of gradient descent, and those of them in which points that are near attract each other more."""
_RATE, _EXAGGERATION = 200.0, 12.0
_SMALL = 1e-12


def embed(
    points: Float[np.ndarray, "n k"], perplexity: float = 30.0
) -> Float[np.ndarray, "n 2"]:
    """Places in the plane at which points that were near are near.

    Raises:
        ValueError: there are fewer than 4 points, or too few for the perplexity (a third of them).
    """
    count = len(points)
    if count < 4 or not 1 < perplexity <= (count - 1) / 3:
        raise ValueError(
            f"t-SNE: expected at least 4 points and a perplexity above 1 of at most a third of "
            f"them, got {count} points and {perplexity}"
        )
    chance = _chances(points.astype(np.float64), perplexity)
    near = (chance + chance.T) / (2 * count)
    place, speed, gain = _start(points), np.zeros((count, 2)), np.ones((count, 2))
    for step in range(STEPS):
        early = step < EXAGGERATED
        slope = _gradient(near * (_EXAGGERATION if early else 1), place)
        turned = np.sign(slope) == np.sign(speed)
        gain = np.maximum(np.where(turned, 0.8 * gain, gain + 0.2), 0.01)
        speed = (0.5 if early else 0.8) * speed - _RATE * gain * slope
        place = place + speed
        place -= place.mean(0)
    return place


def _start(points: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n 2"]:
    """The first two principal components, of deviation 1e-4 along the first."""
    centred = points - points.mean(0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    place = centred @ axes[:2].T
    place = np.pad(place, ((0, 0), (0, 2 - place.shape[1])))
    return 1e-4 * place / max(place[:, 0].std(), _SMALL)


def _squared(points: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n n"]:
    """Squared distances."""
    length = np.sum(np.square(points), 1)
    return np.maximum(length[:, None] + length - 2 * points @ points.T, 0)


def _chances(points: Float[np.ndarray, "n k"], perplexity: float) -> Float[np.ndarray, "n n"]:
    """The chances p(j|i) of neighbours: Gaussians whose widths give each row the perplexity."""
    distance = _squared(points)
    np.fill_diagonal(distance, np.inf)
    distance -= distance.min(1, keepdims=True)
    np.fill_diagonal(distance, 0)
    low, high = np.zeros(len(points)), np.full(len(points), np.inf)
    beta = 1 / np.maximum(distance.mean(1), _SMALL)
    for _ in range(60):
        weight = np.exp(-distance * beta[:, None])
        np.fill_diagonal(weight, 0)
        chance = weight / weight.sum(1, keepdims=True)
        entropy = np.log(weight.sum(1)) + beta * np.sum(distance * chance, 1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
        beta = np.where(np.isinf(high), 2 * beta, (low + np.minimum(high, 1e300)) / 2)
    return chance


def _gradient(
    near: Float[np.ndarray, "n n"], place: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 2"]:
    """Of KL(p || q), q by Student's t of one degree of freedom."""
    kernel = 1 / (1 + _squared(place))
    np.fill_diagonal(kernel, 0)
    pull = (near - kernel / kernel.sum()) * kernel
    return 4 * (pull.sum(1)[:, None] * place - pull @ place)

"""t-SNE: clusters stay apart, neighbours stay neighbours, and nothing is drawn."""

import numpy as np
import pytest

from senm_jax.evaluation import tsne


def test_clusters_stay_apart():
    rng = np.random.default_rng(0)
    label = np.arange(90) % 3
    points = 8.0 * np.eye(4)[label] + rng.normal(size=(90, 4))
    place = tsne.embed(points, 10.0)
    centres = np.stack([place[label == k].mean(0) for k in range(3)])
    nearest = np.linalg.norm(place[:, None] - centres, axis=-1).argmin(1)
    np.testing.assert_array_equal(nearest, label)
    np.testing.assert_array_equal(place, tsne.embed(points, 10.0))


def test_every_row_has_the_perplexity():
    points = np.random.default_rng(0).normal(size=(50, 3))
    chance = tsne._chances(points, 8.0)
    np.testing.assert_allclose(chance.sum(1), 1)
    assert not np.diag(chance).any()
    entropy = -np.sum(chance * np.log(np.maximum(chance, 1e-300)), 1)
    np.testing.assert_allclose(np.exp(entropy), 8.0, rtol=1e-6)


def test_the_gradient_is_that_of_the_divergence():
    rng = np.random.default_rng(1)
    chance, place = tsne._chances(rng.normal(size=(12, 3)), 3.0), rng.normal(size=(12, 2))
    near = (chance + chance.T) / 24

    def divergence(place):
        kernel = 1 / (1 + ((place[:, None] - place) ** 2).sum(-1))
        np.fill_diagonal(kernel, 0)
        other = ~np.eye(12, dtype=bool)
        q = kernel / kernel.sum()
        return np.sum(near[other] * np.log(near[other] / q[other]))

    slope = tsne._gradient(near, place)
    for i, j in ((0, 0), (5, 1), (11, 0)):
        moved = [place.copy(), place.copy()]
        moved[0][i, j] += 1e-5
        moved[1][i, j] -= 1e-5
        numeric = (divergence(moved[0]) - divergence(moved[1])) / 2e-5
        np.testing.assert_allclose(slope[i, j], numeric, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("count, perplexity", [(3, 1.5), (30, 10.0), (30, 0.5)])
def test_too_few_points_are_refused(count, perplexity):
    with pytest.raises(ValueError, match="at least 4 points and a perplexity"):
        tsne.embed(np.zeros((count, 2)), perplexity)

import numpy as np
import pytest

from senm_jax.metrics import fid


def _rows(mean, std, seed, n=4000, d=6):
    return np.random.default_rng(seed).normal(mean, std, (n, d))


def test_equal_sets_are_at_no_distance():
    rows = _rows(0, 1, 0)
    np.testing.assert_allclose(fid.frechet(rows, rows), 0, atol=1e-9)


def test_two_normal_distributions_are_at_their_analytic_distance():
    expected = 6 * 0.5**2 + 6 * (1 - 2) ** 2
    np.testing.assert_allclose(fid.frechet(_rows(0, 1, 0), _rows(0.5, 2, 1)), expected, rtol=0.05)


def test_fewer_rows_than_features_is_finite():
    value = fid.frechet(_rows(0, 1, 0, n=4, d=12), _rows(0, 1, 1, n=4, d=12))
    assert np.isfinite(value) and value > 0


def test_features_are_gathered_over_batches():
    def features(images):
        return images.reshape(len(images), -1)[:, :3].astype(np.float64)

    images = np.random.default_rng(0).random((12, 4, 4, 3))
    other = np.random.default_rng(1).random((9, 4, 4, 3))
    batched = fid.fid(features, [images[:5], images[5:]], [other])
    np.testing.assert_allclose(batched, fid.frechet(features(images), features(other)))


def test_a_single_row_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2 rows a side, got 1 and 4"):
        fid.frechet(np.zeros((1, 3)), np.zeros((4, 3)))

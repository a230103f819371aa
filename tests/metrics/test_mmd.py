import numpy as np
import pytest

from senm_jax.metrics import mmd


def test_equal_sets_give_zero_and_far_ones_the_bound():
    x = np.random.default_rng(0).normal(size=(10, 5))
    np.testing.assert_allclose(mmd.multiscale(x, x), 0, atol=1e-12)
    a, b = np.zeros((10, 5)), np.full((10, 5), 1e6)
    np.testing.assert_allclose(mmd.gaussian(a, b, [1.0, 2.0]), 4)


def test_two_points_give_the_formula():
    x, y = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])
    np.testing.assert_allclose(mmd.gaussian(x, y, [50.0]), 2 - 2 * np.exp(-0.5))
    expected = sum(2 - 2 * np.exp(-1 / scale) for scale in (0.25, 0.5, 1, 2, 4))
    np.testing.assert_allclose(mmd.multiscale(x, y), expected)


def test_more_alike_sets_are_nearer():
    draw = np.random.default_rng(0).normal
    x = draw(size=(20, 4))
    near, far = mmd.multiscale(x, draw(size=(20, 4))), mmd.multiscale(x, draw(2, 1, size=(20, 4)))
    assert near < 0.5 * far


def test_points_all_equal_are_refused():
    with pytest.raises(ValueError, match="no bandwidth"):
        mmd.multiscale(np.ones((3, 2)), np.ones((3, 2)))

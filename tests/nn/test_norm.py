"""Batch normalisation: PyTorch's conventions, by their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import norm


def _batch(shape=(4, 5, 6, 3)):
    return jax.random.normal(jax.random.key(0), shape) * 2 + 1


def _variables(x, **fields):
    return norm.BatchNorm(**fields).init(jax.random.key(1), x, train=False)


def test_training_normalises_by_the_biased_and_stores_the_unbiased_variance():
    x = _batch()
    module = norm.BatchNorm(epsilon=1e-4, momentum=0.9)
    variables = _variables(x, epsilon=1e-4, momentum=0.9)
    y, updated = module.apply(variables, x, train=True, mutable=["statistics"])
    a = np.asarray(x, np.float64)
    mean, biased = a.mean((0, 1, 2)), a.var((0, 1, 2))
    np.testing.assert_allclose(y, (a - mean) / np.sqrt(biased + 1e-4), atol=1e-5)
    stored = updated["statistics"]
    np.testing.assert_allclose(stored["mean"], 0.9 * mean, rtol=1e-5)
    np.testing.assert_allclose(
        stored["variance"], 0.1 + 0.9 * a.var((0, 1, 2), ddof=1), rtol=1e-5
    )


def test_evaluation_uses_and_keeps_the_stored_statistics():
    x = _batch()
    variables = {
        "params": {"scale": jnp.array([1.0, 2.0, 3.0]), "bias": jnp.array([0.0, 1.0, -1.0])},
        "statistics": {"mean": jnp.array([1.0, 0.0, 2.0]), "variance": jnp.array([1.0, 4.0, 9.0])},
    }
    y, kept = norm.BatchNorm().apply(variables, x, train=False, mutable=["statistics"])
    expected = (np.asarray(x) - [1, 0, 2]) / np.sqrt(np.array([1, 4, 9]) + 1e-5)
    np.testing.assert_allclose(y, expected * [1, 2, 3] + [0, 1, -1], atol=1e-5)
    np.testing.assert_array_equal(kept["statistics"]["mean"], variables["statistics"]["mean"])


def test_training_without_mutable_statistics_leaves_them():
    x = _batch()
    y = norm.BatchNorm().apply(_variables(x), x, train=True)
    np.testing.assert_allclose(np.asarray(y).mean((0, 1, 2)), 0, atol=1e-5)


def test_initialising_does_not_count_as_a_batch():
    module = norm.BatchNorm()
    statistics = module.init(jax.random.key(0), _batch(), train=True)["statistics"]
    np.testing.assert_array_equal(statistics["mean"], 0)
    np.testing.assert_array_equal(statistics["variance"], 1)


def test_a_single_value_per_channel_is_refused():
    with pytest.raises(ValueError, match="at least 2 values per channel"):
        norm.BatchNorm().init(jax.random.key(0), jnp.zeros((1, 1, 1, 3)), train=True)

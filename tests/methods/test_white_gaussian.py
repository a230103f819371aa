"""White Gaussian noise: its strength is the one asked for and the one it measures."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.inference import apply
from senm_jax.methods import white_gaussian

METHOD = white_gaussian.make(white_gaussian.Config())


def _noise(level, size=64):
    clean = jnp.full((2, size, size, 3), 0.5)
    keys = jax.random.split(jax.random.key(3), 2)
    origin = jnp.zeros((2, 2), jnp.int32)
    return clean, METHOD.sample({}, clean, keys, {"level": jnp.array(level)}, origin)


def test_sampled_noise_has_the_level_and_no_correlation():
    clean, noisy = _noise([0.02, 0.1])
    noise = np.asarray(noisy - clean)
    np.testing.assert_allclose(noise.std((1, 2, 3)), [0.02, 0.1], rtol=0.03)
    unit = noise / noise.std((1, 2, 3), keepdims=True)
    assert abs(np.mean(unit[:, :, 1:] * unit[:, :, :-1])) < 0.02
    assert abs(np.mean(unit[..., 0] * unit[..., 1])) < 0.03


@pytest.mark.parametrize("correct", [False, True])
def test_what_clipping_takes_is_made_up_for(correct):
    method = white_gaussian.make(white_gaussian.Config(correct_level=correct))
    run = types.SimpleNamespace(method=method, variables={})
    dark = np.full((96, 96, 3), 0.05, np.float32)
    [noisy] = apply.sample(run, [dark], key=[jax.random.key(0)], conditions=[{"level": 0.1}])
    strength = (np.clip(noisy, 0, 1) - dark).std()
    assert strength == pytest.approx(0.1, rel=0.02) if correct else strength < 0.08


def test_imitate_measures_the_unbiased_deviation():
    clean, noisy = _noise([0.02, 0.1], size=4)
    level = METHOD.imitate({}, clean, noisy)["level"]
    expected = np.asarray(noisy - clean, np.float64).std((1, 2, 3), ddof=1)
    np.testing.assert_allclose(level, expected, rtol=1e-4)


def test_imitate_without_clean_estimates_the_level_through_a_ramp():
    clean, noisy = _noise([0.02, 0.1])
    ramp = jnp.linspace(0, 1, 64)[:, None, None]
    level = METHOD.imitate({}, None, noisy + ramp)["level"]
    np.testing.assert_allclose(level, [0.02, 0.1], rtol=0.04)


def test_too_small_an_image_and_a_negative_level_are_refused():
    with pytest.raises(ValueError, match="at least 3x3 pixels"):
        METHOD.imitate({}, None, jnp.zeros((1, 2, 5, 3)))
    with pytest.raises(ValueError, match="level: expected 0 or more, got -1.0"):
        white_gaussian.make(white_gaussian.Config(level=-1.0))

"""The simulated camera's noise is what its documentation states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.degradations import camera

CAMERA = camera.Camera(shot=1e-3, read=8e-3)
expose = jax.jit(camera.expose)


def shots(value, gain=1.0, seed=0, size=192):
    """The linear light of a flat image of display value ``value`` and of a photograph of it."""
    clean = jnp.full((size, size, 3), value)
    noisy = expose(jax.random.key(seed), clean, gain, CAMERA)
    return float(camera.untone(clean)[0, 0, 0]), np.asarray(camera.untone(noisy), np.float64)


def test_tone_curve_inverts():
    display = jnp.linspace(0, 1, 256)
    np.testing.assert_allclose(camera.tone(camera.untone(display)), display, atol=2e-6)
    assert np.all(np.diff(np.asarray(camera.untone(display))) > 0)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_variance_in_linear_light_is_the_stated_line(gain):
    lights, variances = [], []
    for value in (0.3, 0.45, 0.6, 0.75):
        light, noisy = shots(value, gain)
        lights.append(light)
        variances.append(noisy.var((0, 1)))
    amplified = gain * np.array([2.0, 1.0, 1.6])
    stated = [amplified * 1e-3 * light + (amplified * 8e-3) ** 2 for light in lights]
    np.testing.assert_allclose(variances, stated, rtol=0.08)
    assert np.all(np.diff(variances, axis=0) > 0)


def test_channels_differ_by_white_balance():
    model = CAMERA._replace(read=0.0)
    noise = np.asarray(expose(jax.random.key(0), jnp.full((192, 192, 3), 0.5), 1.0, model)) - 0.5
    red, green, blue = noise.var((0, 1))
    assert abs(red / green - 2.0) < 0.15
    assert abs(blue / green - 1.6) < 0.12


def test_channels_are_independent():
    _, noisy = shots(0.5)
    across = np.corrcoef(noisy.reshape(-1, 3).T)
    np.testing.assert_allclose(across, np.eye(3), atol=0.02)


@pytest.mark.parametrize("spread", [0.0, 0.22, 0.3])
def test_neighbours_correlate_as_stated(spread):
    model = CAMERA._replace(spread=spread)
    noise = np.asarray(expose(jax.random.key(1), jnp.full((256, 256, 3), 0.5), 2.0, model)) - 0.5
    stated = float(camera.neighbour_correlation(model))
    for one, other in ((noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1] - stated) < 0.015
    far = np.corrcoef(noise[:, 3:].ravel(), noise[:, :-3].ravel())[0, 1]
    assert abs(far) < 0.015


def test_usual_correlation_is_a_real_cameras():
    assert 0.3 < float(camera.neighbour_correlation(camera.Camera())) < 0.5


def test_spread_leaves_strength_alone():
    clean = jnp.full((256, 256, 3), 0.5)
    spreads = [np.asarray(expose(jax.random.key(2), clean, 1.0, CAMERA._replace(spread=s))).std()
               for s in (0.0, 0.3)]
    np.testing.assert_allclose(*spreads, rtol=0.03)


@pytest.mark.parametrize("value", [0.3, 0.5, 0.7])
def test_linear_light_is_preserved_in_the_mean(value):
    light, noisy = shots(value)
    np.testing.assert_allclose(noisy.mean((0, 1)), light, rtol=0.01)


def test_gain_increases_strength():
    strengths = [shots(0.5, gain)[1].std() for gain in (0.5, 1.0, 2.0, 4.0)]
    assert np.all(np.diff(strengths) > 0)
    assert 1.3 < strengths[1] / strengths[0] < 1.8


def test_output_is_8_bit_and_in_range():
    clean = jnp.linspace(0, 1, 64 * 64 * 3).reshape(64, 64, 3)
    noisy = np.asarray(expose(jax.random.key(3), clean, 8.0, camera.Camera()))
    levels = noisy * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    assert levels.min() == 0 and levels.max() == 255


def test_edges_are_as_noisy_as_the_middle():
    clean = jnp.full((64, 64, 3), 0.5)
    keys = jax.random.split(jax.random.key(4), 32)
    model = CAMERA._replace(spread=0.5)
    noise = np.asarray(jax.vmap(lambda k: camera.expose(k, clean, 1.0, model))(keys)) - 0.5
    np.testing.assert_allclose(noise[:, 0].std(), noise[:, 32].std(), rtol=0.05)
    np.testing.assert_allclose(noise[:, :, -1].std(), noise[:, :, 32].std(), rtol=0.05)


def test_same_key_same_bits():
    clean = jnp.full((32, 32, 3), 0.4)
    first, again, other = (expose(jax.random.key(k), clean, 1.0, CAMERA) for k in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)

import numpy as np

from senm_jax.metrics import akld


def _noise(std, seed, shape=(128, 128, 3)):
    return np.random.default_rng(seed).normal(0, std, shape)


def test_a_known_ratio_of_variances_gives_the_divergence_of_two_normals():
    noise = _noise(0.03, 0)
    for ratio in (0.25, 1.0, 4.0):
        expected = 0.5 * (ratio - 1 - np.log(ratio))
        np.testing.assert_allclose(akld.akld(noise, np.sqrt(ratio) * noise), expected, atol=1e-6)


def test_the_ratio_is_clipped_to_a_tenth_and_ten():
    noise = _noise(0.03, 0)
    np.testing.assert_allclose(akld.akld(noise, 100 * noise), 0.5 * (9 - np.log(10)), rtol=1e-6)
    np.testing.assert_allclose(akld.akld(noise, 0 * noise), 0.5 * (0.1 - 1 + np.log(10)), rtol=1e-6)


def test_independent_white_noise_stands_at_the_floor_the_docstring_states():
    values = [akld.akld(_noise(0.05, 2 * i), _noise(0.05, 2 * i + 1)) for i in range(4)]
    np.testing.assert_allclose(np.mean(values), 0.043, atol=0.002)


def test_noise_of_the_wrong_local_strength_is_further_away():
    strength = np.linspace(0.01, 0.08, 128)[:, None, None]
    real = strength * _noise(1, 0)
    followed = akld.akld(real, strength * _noise(1, 1))
    flat = akld.akld(real, _noise(np.sqrt(np.mean(strength**2)), 2))
    assert followed < 0.06 < 0.2 < flat


def test_local_variance_keeps_a_flat_field_and_never_reaches_zero():
    np.testing.assert_allclose(akld.local_variance(np.full((9, 9, 3), 0.2)), 0.04, rtol=1e-5)
    np.testing.assert_allclose(akld.local_variance(np.zeros((9, 9, 1))), 1e-10, rtol=1e-5)


def test_the_border_is_mirrored_without_its_edge():
    dot = np.zeros((15, 15, 1))
    dot[7, 1] = 1
    row = akld.local_variance(dot)[7, :5, 0] * 32**2 / 9
    np.testing.assert_allclose(row, [7 + 7, 9 + 3.5, 7 + 1, 3.5, 1], rtol=1e-5)


def test_the_blur_is_the_seven_tap_table():
    dot = np.zeros((15, 15, 1))
    dot[7, 7] = 1
    row = akld.local_variance(dot)[7, 4:11, 0] / akld.local_variance(dot)[7, 7, 0]
    np.testing.assert_allclose(row, np.array([1, 3.5, 7, 9, 7, 3.5, 1]) / 9, rtol=1e-5)

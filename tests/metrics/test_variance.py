import numpy as np

from senm_jax.metrics import variance


def _clean(seed=0, shape=(256, 256, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _noise(clean, read, gain, seed):
    x = clean / 255
    return np.random.default_rng(seed).normal(0, 1, clean.shape) * np.sqrt(read + gain * x)


def _curve(clean, noise):
    return variance.curve(variance.sums(clean, noise))


def test_the_curve_recovers_read_noise_and_gain_of_each_channel():
    clean = _clean()
    gain = np.array([0.001, 0.002, 0.004])
    found = _curve(clean, _noise(clean, 0.0005, gain, seed=1))
    assert found.variance.shape == (3, 16)
    for channel in range(3):
        slope, offset = np.polyfit(found.intensity[channel], found.variance[channel], 1)
        np.testing.assert_allclose(slope, gain[channel], rtol=0.1)
        np.testing.assert_allclose(offset, 0.0005, rtol=0.25)


def test_bins_hold_their_pixels_and_their_mean_intensity():
    clean = np.array([[[0], [15], [16], [255]]], np.uint8)
    found = variance.sums(clean, np.zeros(clean.shape))
    assert found.count[0, [0, 1, 15]].tolist() == [2, 1, 1]
    np.testing.assert_allclose(found.intensity[0, 0], 15 / 255)
    assert np.isnan(variance.curve(found).variance[0, 1])


def test_a_bins_variance_is_the_unbiased_one_of_its_pixels():
    clean = np.array([[[3], [4], [5], [200]]], np.uint8)
    noise = np.array([[[0.1], [0.4], [-0.2], [0.7]]])
    expected = np.var([0.1, 0.4, -0.2], ddof=1)
    np.testing.assert_allclose(_curve(clean, noise).variance[0, 0], expected)


def test_a_shift_of_the_mean_is_no_variance():
    clean = _clean()
    found = _curve(clean, np.full(clean.shape, 0.1))
    np.testing.assert_allclose(found.variance, 0, atol=1e-12)
    np.testing.assert_allclose(found.mean, 0.1)


def test_the_error_is_0_for_equal_1_for_absent_and_3_for_doubled_noise():
    clean = _clean()
    noise = _noise(clean, 0.001, 0.002, seed=2)
    real = _curve(clean, noise)
    assert variance.error(real, real) == 0
    np.testing.assert_allclose(variance.error(_curve(clean, 0 * noise), real), 1)
    np.testing.assert_allclose(variance.error(_curve(clean, 2 * noise), real), 3)


def test_noise_of_equal_overall_strength_but_no_dependence_on_intensity_is_told_apart():
    clean = _clean()
    real = _curve(clean, _noise(clean, 0, 0.01, seed=3))
    like = _curve(clean, _noise(clean, 0, 0.01, seed=4))
    flat = _curve(clean, _noise(clean, 0.005, 0, seed=5))
    assert variance.error(like, real) < 0.05
    assert variance.error(flat, real) > 0.4


def test_sums_of_images_add_up():
    clean = _clean()
    noise = _noise(clean, 0.001, 0.002, seed=6)
    halves = [variance.sums(clean[part], noise[part]) for part in (slice(100), slice(100, None))]
    whole = variance.curve(variance.sums(clean, noise))
    joined = variance.curve(variance.add(*halves))
    np.testing.assert_allclose(joined.variance, whole.variance)


def test_no_real_noise_has_no_relative_error():
    clean = _clean(shape=(16, 16, 3))
    silent = _curve(clean, np.zeros(clean.shape))
    assert np.isnan(variance.error(silent, silent))

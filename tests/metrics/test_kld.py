import numpy as np
import pytest

from senm_jax.metrics import kld


def _normal(std, seed, shape=(256, 256, 3)):
    return np.random.default_rng(seed).normal(0, std, shape)


def test_equal_inputs_give_zero():
    noise = _normal(0.02, 0)
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert kld.kld_naflow(noise, noise) == 0
    assert kld.kld_neca(noise, noise) == 0
    assert abs(kld.kld_senm_vae_grey(image, image)) < 1e-5


@pytest.mark.parametrize(
    ("divergence", "stds"), [(kld.kld_naflow, (0.1, 0.14)), (kld.kld_neca, (0.025, 0.03))]
)
def test_two_normal_distributions_give_their_analytic_divergence(divergence, stds):
    real, generated = stds
    expected = np.log(generated / real) + real**2 / (2 * generated**2) - 0.5
    actual = divergence(_normal(real, 1), _normal(generated, 2))
    np.testing.assert_allclose(actual, expected, rtol=0.05)


def test_the_direction_is_real_first():
    wide, narrow = _normal(0.04, 1), _normal(0.02, 2)
    forward = kld.kld_naflow(wide, narrow)
    assert forward > kld.kld_naflow(narrow, wide) + 0.1


def test_bins_empty_in_either_are_dropped_without_renormalising():
    real = np.array([0.0, 0.0, 0.5, 0.5])
    generated = np.array([0.0, 0.0, -0.5, -0.5])
    assert kld.kld_naflow(real, generated) == 0
    generated = np.array([0.0, -0.5, -0.5, -0.5])
    np.testing.assert_allclose(kld.kld_naflow(real, generated), 0.5 * np.log(2))


def test_naflow_counts_two_levels_of_eight_bits_as_one_bin_and_neca_does_not():
    one, two = np.full(8, 1 / 255), np.full(8, 1.9 / 255)
    assert kld.kld_naflow(np.append(one, two), np.append(one, one)) == 0
    assert kld.kld_neca(np.append(one, two), np.append(one, one)) < 0


def test_neca_puts_all_beyond_a_tenth_into_two_tails():
    assert kld.kld_neca(np.array([0.2, -0.2]), np.array([0.9, -0.9])) == 0


def test_senm_vae_divergence_is_of_the_generated_from_the_real_intensities():
    dark, light = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    half = dark.copy()
    half[:4] = 200
    np.testing.assert_allclose(kld.kld_senm_vae_grey(dark, half), np.log(2), rtol=1e-5)
    np.testing.assert_allclose(
        kld.kld_senm_vae_grey(half, dark), 0.5 * np.log(0.5) + 0.5 * np.log(0.5 / 1e-8), rtol=1e-5
    )
    np.testing.assert_allclose(kld.kld_senm_vae_grey(light, dark), np.log(1e8), rtol=1e-5)


def test_grey_hides_what_pooled_channels_show():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 76
    grey = np.full((4, 4, 3), 23, np.uint8)  # the same grey as this red
    assert kld.kld_senm_vae_grey(red, grey) < 1e-4
    assert kld.kld_senm_vae_values(red, grey) > 1

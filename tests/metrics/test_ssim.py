import numpy as np
import pytest
import skimage.metrics

from senm_jax.metrics import ssim

FORMS = [ssim.gaussian_2d, ssim.volume_3d, ssim.uniform]


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    clean = generator.integers(0, 256, (5, 6, 3)).repeat(8, axis=0).repeat(8, axis=1)
    noisy = np.clip(np.rint(clean + generator.normal(0, 20, clean.shape)), 0, 255)
    return noisy.astype(np.uint8), clean.astype(np.uint8)


@pytest.mark.parametrize("form", FORMS)
def test_equal_images_give_one_and_the_measure_is_symmetric(form, pair):
    noisy, clean = pair
    np.testing.assert_allclose(form(clean, clean), 1, rtol=1e-12)
    np.testing.assert_allclose(form(noisy, clean), form(clean, noisy), rtol=1e-12)
    assert form(noisy, clean) < 0.98


@pytest.mark.parametrize("form", FORMS)
def test_the_scale_of_the_values_does_not_matter_when_the_peak_follows(form, pair):
    noisy, clean = pair
    np.testing.assert_allclose(
        form(noisy / 255, clean / 255, peak=1.0), form(noisy, clean), rtol=1e-9
    )


@pytest.mark.parametrize("form", FORMS)
def test_flat_images_differ_by_the_luminance_term_alone(form):
    dark, light = (np.full((24, 24, 3), level, np.uint8) for level in (60, 120))
    c1 = (0.01 * 255) ** 2
    expected = (2 * 60 * 120 + c1) / (60**2 + 120**2 + c1)
    np.testing.assert_allclose(form(dark, light), expected, rtol=1e-6)


def test_the_2d_form_is_scikit_images_gaussian_one(pair):
    noisy, clean = pair
    expected = skimage.metrics.structural_similarity(
        clean,
        noisy,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    np.testing.assert_allclose(ssim.gaussian_2d(noisy, clean), expected, rtol=1e-10)


def test_the_3d_form_mixes_channels_and_the_2d_form_does_not(pair):
    noisy, clean = pair
    one_noisy = clean.copy()
    one_noisy[..., 1] = noisy[..., 1]
    alone = ssim.gaussian_2d(noisy[..., 1], clean[..., 1])
    np.testing.assert_allclose(ssim.gaussian_2d(one_noisy, clean), (2 + alone) / 3, rtol=1e-12)
    flat = ssim.volume_3d(noisy[..., 1:2], clean[..., 1:2])
    assert abs(ssim.volume_3d(one_noisy, clean) - (2 + flat) / 3) > 1e-3


def test_images_below_the_window_are_refused(pair):
    noisy, clean = pair
    with pytest.raises(ValueError, match="at least 11 pixels, got 10x48"):
        ssim.gaussian_2d(noisy[:10], clean[:10])
    with pytest.raises(ValueError, match="at least 7 pixels, got 6x48"):
        ssim.uniform(noisy[:6], clean[:6])

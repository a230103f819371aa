import numpy as np
import pytest

from senm_jax.metrics import psnr


@pytest.fixture
def clean():
    return np.random.default_rng(0).integers(20, 230, (32, 40, 3), dtype=np.uint8)


def test_equal_images_are_infinitely_alike_and_naflow_caps_at_80_db(clean):
    assert psnr.rgb8(clean, clean) == float("inf")
    assert psnr.blocking8(clean // 255, clean // 255) == float("inf")
    np.testing.assert_allclose(psnr.naflow(clean / 255, clean / 255), 80)


def test_an_error_of_one_level_everywhere_is_48_13_db(clean):
    np.testing.assert_allclose(psnr.rgb8(clean + np.uint8(1), clean), 48.1308, atol=1e-4)


def test_a_darker_restored_image_does_not_wrap_around(clean):
    np.testing.assert_allclose(psnr.rgb8(clean - np.uint8(10), clean), 28.1308, atol=1e-4)


def test_the_border_is_left_out(clean):
    wrong = clean.copy()
    wrong[:4], wrong[-4:], wrong[:, :4], wrong[:, -4:] = 0, 0, 0, 0
    assert psnr.rgb8(wrong, clean, border=4) == float("inf")
    assert psnr.rgb8(wrong, clean, border=3) < 30


def test_luma_weighs_green_most(clean):
    values = []
    for channel in range(3):
        shifted = clean.copy()
        shifted[..., channel] += 20
        values.append(psnr.luma8(shifted, clean, border=0))
    red, green, blue = values
    assert green < red < blue


def test_block_edges_lower_psnr_b_only_where_they_stand_on_the_grid_of_eight(clean):
    flat = np.full((32, 32, 3), 100, np.uint8)
    steps = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((8, 8)))[..., None] * [8, 8, 8]
    on_grid = (flat + steps).astype(np.uint8)
    off_grid = np.roll(on_grid, 4, axis=(0, 1))
    np.testing.assert_allclose(psnr.rgb8(on_grid, flat), psnr.rgb8(off_grid, flat))
    assert psnr.blocking8(on_grid, flat) < psnr.rgb8(on_grid, flat) - 1
    np.testing.assert_allclose(psnr.blocking8(off_grid, flat), psnr.rgb8(off_grid, flat))


def test_what_cannot_be_measured_is_refused(clean):
    with pytest.raises(ValueError, match="less than half of the image's 32x40 pixels, got 16"):
        psnr.rgb8(clean, clean, border=16)
    with pytest.raises(ValueError, match="PSNR-B: expected sides of at least 16"):
        psnr.blocking8(clean[:15], clean[:15])

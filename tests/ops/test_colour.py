import numpy as np

from senm_jax.ops import colour


def test_luma_spans_16_to_235_and_is_linear():
    corners = np.array([[[0, 0, 0], [255, 255, 255], [128, 128, 128]]], np.uint8)
    np.testing.assert_allclose(colour.luma_255(corners), [[16, 235, 16 + 219 * 128 / 255]])
    assert colour.luma8(corners).tolist() == [[16, 235, 126]]


def test_luma_takes_the_channels_as_red_green_blue():
    primaries = np.eye(3, dtype=np.uint8)[None] * 255
    np.testing.assert_allclose(colour.luma_255(primaries)[0] - 16, [65.481, 128.553, 24.966])


def test_grey_of_a_grey_image_is_the_image():
    values = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(colour.grey8(values), values[..., 0])


def test_grey_weighs_red_green_and_blue_by_their_own_factors():
    primaries = np.eye(3, dtype=np.uint8)[None] * 255
    assert colour.grey8(primaries).tolist() == [[76, 150, 29]]

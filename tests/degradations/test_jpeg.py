"""The codec's tables and sampling are libjpeg's own, and the Y form is MATLAB's."""

import io

import jax
import numpy as np
import pytest
from PIL import Image

from senm_jax.degradations import jpeg, parameters

# ITU-T T.81, annex K, table K.1: libjpeg's quality 50, row by row.
LUMINANCE = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57,
             69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55,
             64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100,
             103, 99]


def photo(height=40, width=56):
    random = np.random.default_rng(0)
    coarse = random.integers(20, 230, (height // 8, width // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("quality", [10, 40, 50, 80, 100])
def test_tables_are_scaled_as_libjpeg_scales_them(quality):
    with Image.open(io.BytesIO(jpeg.encode(np.zeros((8, 8), np.uint8), quality))) as image:
        found = image.quantization[0]
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    expected = [min(max((value * percent + 50) // 100, 1), 255) for value in LUMINANCE]
    assert list(found) == expected


def test_colour_is_sampled_at_4_2_0():
    with Image.open(io.BytesIO(jpeg.encode(np.zeros((16, 16, 3), np.uint8), 90))) as image:
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]


def test_what_comes_back_is_in_8_bits_and_worse_at_lower_quality():
    clean = photo()
    errors = []
    for quality in (10, 40, 90):
        noisy = jpeg.apply(clean, quality, grey=False)
        np.testing.assert_array_equal(noisy * 255, np.rint(noisy * 255))
        errors.append(np.square(noisy - clean).mean())
    assert errors[0] > errors[1] > errors[2] > 0


def test_the_y_form_is_a_grey_file_of_matlab_s_luma():
    clean = photo()
    rgb = np.rint(clean * 255).astype(np.float64)
    y = 16 + (65.481 * rgb[..., 0] + 128.553 * rgb[..., 1] + 24.966 * rgb[..., 2]) / 255
    target = jpeg.luma(clean)
    np.testing.assert_array_equal(np.ptp(target, axis=2), 0)
    np.testing.assert_allclose(target[..., 0] * 255, np.rint(y), atol=1e-4)
    file = io.BytesIO()
    Image.fromarray(np.rint(y).astype(np.uint8)).save(file, "JPEG", quality=10)
    again = np.asarray(Image.open(file))
    noisy = jpeg.apply(clean, 10, grey=True)
    np.testing.assert_allclose(noisy * 255, np.repeat(again[..., None], 3, 2), atol=1e-4)


def test_qualities_are_drawn_evenly_and_told_over_100():
    made = jpeg.make(parameters.JPEG(quality=(10, 30, 80)))
    drawn = [made.draw(jax.random.key(k)) for k in range(90)]
    told = [round(float(made.tell(each)[0]), 6) for each in drawn]
    assert set(told) == {0.1, 0.3, 0.8}
    assert min(told.count(each) for each in set(told)) > 15
    noisy = made.degrade(None, photo(), drawn[0])
    np.testing.assert_array_equal(noisy, jpeg.apply(photo(), int(drawn[0]["quality"]), False))

"""Shift, exposure and likeness are found through noise."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from senm_jax.data import compare


@pytest.mark.parametrize("std_255", [0, 25])
@pytest.mark.parametrize("moved", [(0, 0), (1.5, 0), (0, -1.3), (7, -12)])
def test_shift(scene, noisy, moved, std_255):
    large = scene(0, 200, 240)
    shifted = ndimage.shift(large.astype(float), (*moved, 0), order=3)
    clean, other = (
        np.rint(x[20:-20, 20:-20]).clip(0, 255).astype(np.uint8) for x in (large, shifted)
    )
    found = compare.shift(clean, noisy(other, std_255, 1))
    np.testing.assert_allclose(found, moved, atol=0.3)


@pytest.mark.parametrize("scale", [1, 2])
def test_aligned_lies_where_the_noisy_image_does(scene, noisy, scale):
    large = scene(0, 240, 280)
    moved = ndimage.shift(large.astype(float), (0.7 * scale, -0.4 * scale, 0), order=3)
    clean, there = (
        np.rint(x[20:-20, 20:-20]).clip(0, 255).astype(np.uint8) for x in (large, moved)
    )
    other = cv2.resize(there, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    found = compare.aligned(clean, noisy(other, 10, 1))
    off = [np.abs(image.astype(float) - there)[8:-8, 8:-8].mean() for image in (clean, found)]
    assert found.shape == clean.shape and off[1] < off[0] / 5


def test_what_shows_nothing_or_lies_far_away_is_not_moved(scene, noisy):
    flat = np.full((80, 80, 3), 90, np.uint8)
    np.testing.assert_array_equal(compare.aligned(flat, noisy(flat, 20, 1)), flat)
    large = scene(0, 200, 240)
    clean = large[:, 20:]
    np.testing.assert_array_equal(compare.aligned(clean, large[:, :-20]), clean)


def test_shift_of_what_shows_nothing_is_unknown(noisy):
    flat = np.full((80, 80, 3), 90, np.uint8)
    assert compare.shift(flat, flat) is None
    assert compare.shift(noisy(flat, 20, 0), noisy(flat, 20, 1)) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 5), (600, 9)])
def test_any_size_is_taken(scene, size):
    image = scene(0, *size)
    mark, moved = compare.signature(image), compare.shift(image, image)
    assert mark is None or np.linalg.norm(mark) == pytest.approx(1)
    assert moved is None or moved == pytest.approx((0, 0))
    gain, mean_255 = compare.exposure(image, image)
    np.testing.assert_allclose(gain, 1, atol=1e-6)
    np.testing.assert_allclose(mean_255, 0, atol=1e-6)


def test_exposure(scene, noisy):
    clean = scene(1, 240, 320)
    other = np.clip(clean * np.array([1.0, 0.9, 1.0]) + [6, 0, 0], 0, 255).astype(np.uint8)
    gain, mean_255 = compare.exposure(clean, noisy(other, 15, 2))
    np.testing.assert_allclose(gain, [1, 0.9, 1], atol=0.02)
    assert mean_255[0] == pytest.approx(6, abs=1)
    assert mean_255[2] == pytest.approx(0, abs=1)


def test_shots_of_one_scene_are_alike_and_others_are_not(scene, noisy):
    first, second = scene(0), scene(1)
    marks = [compare.signature(x) for x in (first, noisy(first, 30, 0), second)]
    assert compare.alike(marks[0], marks[1]) > 0.9
    assert compare.alike(marks[0], marks[2]) < 0.5
    small = np.ascontiguousarray(first[::2, ::2])
    assert compare.alike(marks[0], compare.signature(small)) > 0.9
    assert compare.signature(np.full((50, 50, 3), 7, np.uint8)) is None


def test_matching_means_shifts_channels_and_nothing_else():
    rng = np.random.default_rng(0)
    clean, noisy = rng.random((2, 9, 8, 3), np.float32)
    matched = compare.match_mean(noisy, clean)
    np.testing.assert_allclose(matched.mean((0, 1)), clean.mean((0, 1)), atol=1e-6)
    shift = matched - noisy
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:1, :1], shift.shape), atol=1e-6)

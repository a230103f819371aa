import cv2
import numpy as np
import pytest

from senm_jax.metrics import correlation


def _white(seed, shape=(128, 160, 3)):
    return np.random.default_rng(seed).normal(0, 0.05, shape)


def test_independent_noise_is_uncorrelated_to_within_its_own_chance():
    noise = _white(0)
    found = correlation.pooled(correlation.sums(noise))
    assert found.shape == (13, 13)
    np.testing.assert_allclose(found[6, 6], 1)
    off_centre = np.delete(found.ravel(), 84)
    expected = 1 / np.sqrt(noise.size)
    assert 0.7 * expected < off_centre.std() < 1.4 * expected
    assert np.abs(off_centre).max() < 5 * expected


def test_the_map_is_symmetric_and_the_sums_are_those_of_the_definition():
    noise = _white(1, (9, 8, 2)) + 0.3
    found = correlation.pooled(correlation.sums(noise, radius=3))
    np.testing.assert_allclose(found, found[::-1, ::-1], atol=1e-12)
    for down, right in [(0, 1), (2, -3), (-1, 2)]:
        rows, columns = np.arange(9), np.arange(8)
        rows = rows[(rows + down >= 0) & (rows + down < 9)]
        columns = columns[(columns + right >= 0) & (columns + right < 8)]
        here = noise[np.ix_(rows, columns)].ravel()
        there = noise[np.ix_(rows + down, columns + right)].ravel()
        expected = np.corrcoef(here, there)[0, 1]
        np.testing.assert_allclose(found[3 + down, 3 + right], expected, rtol=1e-9)


def test_noise_blurred_along_rows_has_the_blurs_own_autocorrelation():
    blurred = cv2.blur(_white(2, (512, 512, 3)), (3, 1))
    found = correlation.pooled(correlation.sums(blurred))
    np.testing.assert_allclose(found[6, 6:10], [1, 2 / 3, 1 / 3, 0], atol=0.01)
    right, below = correlation.neighbour(found)
    np.testing.assert_allclose([right, below], [2 / 3, 0], atol=0.01)


def test_sums_of_images_add_up_to_the_pooled_map():
    images = [_white(seed, (32, 48, 3)) * strength for seed, strength in [(3, 1), (4, 5)]]
    total = correlation.add(*(correlation.sums(image) for image in images))
    expected = sum(correlation.sums(image).product[6, 7] for image in images)
    np.testing.assert_allclose(total.product[6, 7], expected)
    loud = correlation.pooled(correlation.sums(images[1]))
    quiet = correlation.pooled(correlation.sums(images[0]))
    found = correlation.pooled(total)
    assert correlation.error(found, loud) < 0.2 * correlation.error(found, quiet)


def test_the_error_leaves_the_centre_out():
    first, second = np.zeros((5, 5)), np.zeros((5, 5))
    second[2, 2] = 1
    assert correlation.error(first, second) == 0
    second[0, 0] = 0.6
    np.testing.assert_allclose(correlation.error(first, second), 0.6 / np.sqrt(24))


def test_no_noise_gives_no_correlation_and_no_nan():
    found = correlation.pooled(correlation.sums(np.zeros((16, 16, 3))))
    np.testing.assert_array_equal(found, np.zeros((13, 13)))


def test_images_within_the_radius_are_refused():
    with pytest.raises(ValueError, match="sides above the radius of 6, got 6x40"):
        correlation.sums(np.zeros((6, 40, 3)))


def test_colours_are_as_alike_as_what_they_share_whatever_the_light():
    """Of noise that shares half its variance with the other channels', on a slope of the light."""
    own, shared = _white(5, (256, 256, 3)), _white(6, (256, 256, 1))
    slope = np.linspace(0, 0.5, 256)[:, None, None]
    images = [own + shared + slope, 3 * (own - shared)]
    total = sum(correlation.colour_sums(noise) for noise in images)
    np.testing.assert_allclose(correlation.colours(correlation.colour_sums(own)), 0, atol=0.01)
    np.testing.assert_allclose(correlation.colours(total), 0.5, atol=0.01)
    weak = correlation.colour_sums(own * [1, 2, 3] + shared * [1, 2, 3])
    np.testing.assert_allclose(correlation.colours(weak), 0.5, atol=0.01)


def test_colours_without_noise_count_as_unlike():
    assert correlation.colours(np.zeros((3, 3))) == 0
    noise = _white(7, (64, 64, 1)) * [1, 1, 0]
    np.testing.assert_allclose(correlation.colours(correlation.colour_sums(noise)), 1 / 3)

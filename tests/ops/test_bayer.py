"""Demosaicing against SciPy's arithmetic on the filters as their paper prints them."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from senm_jax.ops import bayer


def spread(*rows):
    return np.array(rows, np.float64) / 8


GREEN = spread([0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0],
               [0, 0, -1, 0, 0])
ROW = spread([0, 0, .5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0],
             [0, 0, .5, 0, 0])
DIAGONAL = spread([0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0],
                  [0, 0, -1.5, 0, 0])


def expected(raw, name):
    """Site by site, by the letters of the pattern."""
    filtered = {key: ndimage.correlate(raw, taps, mode="mirror") for key, taps in
                {"green": GREEN, "row": ROW, "column": ROW.T, "diagonal": DIAGONAL}.items()}
    out = np.empty((*raw.shape, 3))
    for (r, c), value in np.ndenumerate(raw):
        cell = [name[:2], name[2:]]
        own = cell[r % 2][c % 2]
        for k, colour in enumerate("rgb"):
            if colour == own:
                out[r, c, k] = value
            elif colour == "g":
                out[r, c, k] = filtered["green"][r, c]
            elif own == "g":
                kind = "row" if colour in cell[r % 2] else "column"
                out[r, c, k] = filtered[kind][r, c]
            else:
                out[r, c, k] = filtered["diagonal"][r, c]
    return out


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("shape", [(10, 13), (3, 4)])
def test_each_pattern_equals_the_filters_site_by_site(number, shape):
    image = np.random.default_rng(0).random((*shape, 3), np.float32)
    held = bayer.channels(number, *shape)
    raw = bayer.mosaic(jnp.asarray(image), held)
    name = bayer.PATTERNS[number]
    letters = np.array([["rgb".index(name[2 * (r % 2) + c % 2]) for c in range(shape[1])]
                        for r in range(shape[0])])
    np.testing.assert_array_equal(held, letters)
    np.testing.assert_array_equal(raw, np.take_along_axis(image, letters[..., None], 2)[..., 0])
    wanted = expected(np.asarray(raw, np.float64), name)
    np.testing.assert_allclose(bayer.demosaic(raw, held), wanted, atol=1e-6)


@pytest.mark.parametrize("number", range(4))
def test_a_grey_ramp_comes_back_away_from_the_border(number):
    rows, columns = np.mgrid[:12, :14]
    image = np.repeat((0.02 * rows + 0.03 * columns)[..., None], 3, 2).astype(np.float32)
    held = bayer.channels(number, 12, 14)
    restored = bayer.demosaic(bayer.mosaic(jnp.asarray(image), held), held)
    np.testing.assert_allclose(restored[2:-2, 2:-2], image[2:-2, 2:-2], atol=1e-6)


def test_a_flat_colour_keeps_its_own_samples_and_flat_grey_survives_whole():
    colour = jnp.broadcast_to(jnp.array([0.2, 0.5, 0.8]), (2, 2, 3))
    held = bayer.channels(3, 2, 2)
    np.testing.assert_allclose(bayer.mosaic(colour, held), [[0.2, 0.5], [0.5, 0.8]])
    np.testing.assert_allclose(bayer.demosaic(jnp.full((2, 2), 0.3), held), 0.3, atol=1e-6)

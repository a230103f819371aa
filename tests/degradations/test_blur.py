"""The kernel against its closed form in NumPy, blurring and decimation against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from senm_jax.degradations import blur, parameters


def dense(first, second, angle):
    """exp(-v' C^-1 v / 2) at every offset, C by matrix products."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([first, second]) @ turn.T)
    taps = np.array([[np.exp(-0.5 * np.array([x, y]) @ inverse @ np.array([x, y]))
                      for x in range(-7, 8)] for y in range(-7, 8)])
    return taps / taps.sum()


@pytest.mark.parametrize(("widths", "angle"), [((2.0, 2.0), 0.0), ((4.0, 1.0), -0.5),
                                               ((1.0, 5.0), 2.0)])
def test_the_kernel_is_the_gaussian_of_its_covariance(widths, angle):
    np.testing.assert_allclose(blur.kernel(*widths, angle), dense(*widths, angle), atol=1e-6)


def test_widths_are_variances():
    taps = np.asarray(blur.kernel(4.0, 1.0, 0.0))
    offsets = np.arange(-7, 8)
    np.testing.assert_allclose((taps.sum(0) * offsets**2).sum(), 4.0, rtol=0.01)
    np.testing.assert_allclose((taps.sum(1) * offsets**2).sum(), 1.0, rtol=0.01)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_decimation_keeps_every_scale_th_pixel_of_scipy_s_blur(scale):
    random = np.random.default_rng(scale)
    image, taps = random.random((24, 12, 3), np.float32), random.random((15, 15), np.float32)
    whole = np.stack([ndimage.convolve(image[..., c].astype(np.float64), taps, mode="reflect")
                      for c in range(3)], -1)
    decimated = blur.decimate(jnp.asarray(image), jnp.asarray(taps), scale)
    np.testing.assert_allclose(decimated, whole[::scale, ::scale], rtol=1e-5)


def test_draws_fill_mzsr_s_ranges_and_the_kernel_is_told():
    made = blur.make(parameters.Blur(scale=4))
    drawn = jax.vmap(lambda key: blur.draw_widths(key, 4))(jax.random.split(jax.random.key(0), 999))
    first, second, angle = (np.asarray(drawn[k]) for k in ("first", "second", "angle"))
    assert 1 <= first.min() < 1.1 and 9.9 < first.max() <= 10
    share = (second - 1) / (first - 1)
    assert abs(share.mean() - 0.5) < 0.03 and share.min() >= 0 and share.max() <= 1
    assert 0 <= angle.min() < 0.05 and 3.1 < angle.max() <= np.pi
    kernel = made.draw(jax.random.key(1))
    np.testing.assert_array_equal(made.tell(kernel), np.asarray(kernel["kernel"]).ravel())


def test_fixed_widths_and_a_batch_at_once():
    made = blur.make(parameters.Blur(scale=2, widths=(2.0,)))
    drawn = jax.vmap(made.draw)(jax.random.split(jax.random.key(0), 2))
    np.testing.assert_allclose(drawn["kernel"][1], dense(2.0, 2.0, 0.0), atol=1e-6)
    images = jax.random.uniform(jax.random.key(1), (2, 8, 6, 3))
    noisy = jax.jit(jax.vmap(made.degrade))(jax.random.split(jax.random.key(2), 2), images, drawn)
    assert noisy.shape == (2, 4, 3, 3)
    np.testing.assert_allclose(
        noisy[1], blur.decimate(images[1], blur.kernel(2.0, 2.0, 0.0), 2), atol=1e-6)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.ops import resize


def _ramp(height, width):
    rows, columns = np.mgrid[:height, :width]
    return jnp.asarray(np.stack([rows, columns, 0 * rows + 3], axis=-1), jnp.float32)


@pytest.mark.parametrize("scale", [0.25, 0.3, 0.5, 2.0, 4.0])
def test_the_size_is_rounded_up_and_a_flat_image_stays_flat(scale):
    resized = resize.bicubic(jnp.full((13, 18, 3), 0.4), scale)
    assert resized.shape == (int(np.ceil(13 * scale)), int(np.ceil(18 * scale)), 3)
    np.testing.assert_allclose(resized, 0.4, rtol=1e-5)


def test_scale_one_changes_nothing():
    image = jax.random.uniform(jax.random.key(0), (9, 7, 3))
    np.testing.assert_array_equal(resize.bicubic(image, 1.0), image)


@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0])
def test_a_ramp_is_sampled_at_pixel_centres_away_from_borders(scale):
    resized = resize.bicubic(_ramp(48, 40), scale)
    at = (np.arange(resized.shape[0]) + 0.5) / scale - 0.5
    inside = slice(int(np.ceil(10 * max(scale, 0.3))), -int(np.ceil(10 * max(scale, 0.3))))
    np.testing.assert_allclose(resized[inside, 5, 0], at[inside], atol=1e-3)


def test_borders_are_mirrored_so_that_a_mirrored_image_resizes_alike():
    image = jax.random.uniform(jax.random.key(1), (16, 12, 3))
    doubled = jnp.concatenate([image[::-1], image], axis=0)
    np.testing.assert_allclose(
        resize.bicubic(doubled, 0.5)[8:], resize.bicubic(image, 0.5), atol=1e-6
    )


def test_shrinking_averages_what_is_too_fine_to_keep():
    noise = jax.random.normal(jax.random.key(2), (128, 128, 3))
    # A mean over 4x4 pixels would leave a quarter of the deviation, single pixels all of it.
    assert 0.2 < np.std(resize.bicubic(noise, 0.25)) < 0.3


def test_an_image_smaller_than_the_kernel_is_mirrored_as_often_as_it_takes():
    np.testing.assert_allclose(resize.bicubic(jnp.full((2, 1, 3), 0.7), 0.25), 0.7, rtol=1e-5)


def test_a_scale_of_zero_is_refused():
    with pytest.raises(ValueError, match="scale: expected a positive number"):
        resize.bicubic(jnp.zeros((4, 4, 3)), 0.0)


def test_tf1_s_bilinear_is_anchored_at_the_upper_left():
    row = jnp.asarray([[[[1.0], [3.0], [2.0]]]])
    wide = resize.bilinear_tf1(row, (2, 6))[0, :, :, 0]
    np.testing.assert_allclose(wide, [[1, 2, 3, 2.5, 2, 2]] * 2)
    np.testing.assert_allclose(resize.bilinear_tf1(row, (1, 2))[0, 0, :, 0], [1, 2.5])

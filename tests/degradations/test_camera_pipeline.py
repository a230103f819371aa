"""The chain without noise gives the image back; with it, each step leaves its mark."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.degradations import camera_pipeline, jpeg, parameters, response_curves
from senm_jax.ops import keys

GREY = jnp.repeat(jnp.linspace(0.05, 0.95, 32)[None, :, None], 24, 0).repeat(3, 2)


def made(**changes):
    return camera_pipeline.make(parameters.CameraPipeline(**changes))


@pytest.mark.parametrize("pattern", ["none", "gbrg", "grbg", "bggr", "rggb"])
def test_without_noise_a_smooth_grey_image_comes_back(pattern):
    quiet = made(signal=(0.0,), read=(0.0,), patterns=(pattern,))
    drawn = quiet.draw(jax.random.key(0))
    noisy = quiet.degrade(jax.random.key(1), GREY, drawn)
    inside = (slice(2, -2), slice(2, -2)) if pattern != "none" else (slice(None), slice(None))
    np.testing.assert_allclose(noisy[inside], GREY[inside], atol=0.01)


def test_without_mosaic_it_is_the_formula():
    camera = made(patterns=("none",))
    drawn = camera.draw(jax.random.key(2))
    bank = response_curves.generate(201)
    irradiance, brightness = (side[int(drawn["curve"])] for side in bank)
    clean = np.random.default_rng(0).random((9, 7, 3), np.float32)
    light = np.interp(clean, brightness, irradiance)
    key = jax.random.key(3)
    n1, n2 = (np.asarray(jax.random.normal(keys.named(key, name), clean.shape))
              for name in ("signal", "read"))
    noisy_light = light + np.asarray(drawn["signal"]) * light * n1 + np.asarray(drawn["read"]) * n2
    expected = np.interp(np.clip(noisy_light, 0, 1), irradiance, brightness)
    np.testing.assert_allclose(camera.degrade(key, jnp.asarray(clean), drawn), expected, atol=2e-5)


def test_a_mosaic_spreads_the_noise_over_neighbours():
    correlations = []
    for pattern in ("none", "rggb"):
        camera = made(signal=(0.0,), read=(0.05,), patterns=(pattern,))
        flat = jnp.full((64, 64, 3), 0.5)
        noise = np.asarray(camera.degrade(jax.random.key(4), flat, camera.draw(jax.random.key(5))))
        noise = noise[..., 2] - noise[..., 2].mean()
        correlations.append(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])
    assert abs(correlations[0]) < 0.05 and correlations[1] > 0.2


def test_draws_use_every_pattern_and_many_curves_and_map_over_a_batch():
    camera = made()
    drawn = jax.vmap(camera.draw)(jax.random.split(jax.random.key(6), 300))
    assert sorted(set(np.asarray(drawn["pattern"]).tolist())) == [0, 1, 2, 3, 4]
    curves = np.asarray(drawn["curve"])
    assert 0 <= curves.min() and curves.max() <= 200 and len(set(curves.tolist())) > 130
    two = jax.tree.map(lambda leaf: leaf[:2], drawn)
    images, split = jnp.stack([GREY, GREY]), jax.random.split(jax.random.key(7), 2)
    noisy = jax.jit(jax.vmap(camera.degrade))(split, images, two)
    one = camera.degrade(split[1], GREY, jax.tree.map(lambda leaf: leaf[1], drawn))
    np.testing.assert_allclose(noisy[1], one, atol=1e-5)
    assert 0 <= noisy.min() and noisy.max() <= 1


def test_jpeg_at_the_end_is_that_of_the_result():
    plain, compressed = made(), made(jpeg=(60, 100))
    drawn = compressed.draw(jax.random.key(8))
    assert 60 <= drawn["quality"] <= 100
    taken = np.asarray(plain.degrade(jax.random.key(9), GREY, drawn))
    noisy = compressed.degrade(jax.random.key(9), np.asarray(GREY), drawn)
    expected = jpeg.apply(taken, int(drawn["quality"]), grey=False)
    np.testing.assert_allclose(noisy, expected, atol=3 / 255)


def test_a_single_row_has_no_mosaic():
    np.testing.assert_array_equal(camera_pipeline.develop(jnp.full((1, 5, 3), 2.0), 0), 1)

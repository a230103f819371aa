"""The open start: the image passes, the noise is seen, and both are so before any training."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from senm_jax.methods import senm_vae
from senm_jax.nn import initial, level_predictor, opening
from senm_jax.ops import pixels

SHAPE = (2, 32, 32, 3)
STD = 0.02
OPEN = {
    "growth": 4, "degradation_channels": 12, "predictor_width": 4, "gan_weight": 0.0,
    "open_content": True, "level_unit": STD,
}
SIZES = [
    {"width": 12, "levels": (1,), "downs": 1},
    {"width": 48, "levels": (1, 1), "downs": 1},
    {"width": 8, "levels": (2,), "downs": 0},
]


@functools.cache
def _open(**fields):
    config = senm_vae.Config(**OPEN | fields)
    params = senm_vae.make(config).init(jax.random.key(0), None)["generator"]["params"]
    return senm_vae.build(config).network, params["translator"]


def _pair():
    rng = np.random.default_rng(0)
    x = ndimage.gaussian_filter(rng.random(SHAPE), (0, 3, 3, 0), mode="wrap")
    x = (0.5 + 2 * (x - 0.5)).astype(np.float32)
    y = x + STD * rng.standard_normal(SHAPE, np.float32)
    return jnp.asarray(x), jnp.asarray(y)


def _psnr(a, b):
    return -10 * np.log10(np.mean(np.square(np.asarray(a - b))))


def _normal(name, shape):
    return jnp.zeros(shape)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_image_passes_either_way(sizes):
    network, params = _open(**sizes)
    x, y = _pair()
    level, temperature = jnp.full(2, STD), jnp.zeros(2)
    translated = network.apply(
        {"params": params}, x, level, temperature, _normal, method=network.translate)
    assert _psnr(translated, x) > 34
    assert _psnr(network.apply({"params": params}, y, _normal, method=network.denoise), y) > 34


@pytest.mark.parametrize("sizes", SIZES)
def test_the_posterior_sees_the_noise_alone(sizes):
    network, params = _open(**sizes)
    x, y = _pair()

    grey = jnp.full_like(x, 0.5)
    clean, noisy = jnp.concatenate([x, x, grey]), jnp.concatenate([y, x, grey + y - x])
    kl_zn = network.apply(
        {"params": params}, (x[:0], clean), (noisy, x[:0]), jnp.full(6, STD), jnp.ones(12, bool),
        _normal, method=network.reconstruct,
    ).kl_zn
    seen, none, on_grey = np.asarray(kl_zn).reshape(3, 2).mean(1)
    assert seen > 1.2 * none
    assert seen == pytest.approx(on_grey, rel=0.2)


@pytest.mark.parametrize("unit", [STD, 0.0])
def test_the_prior_starts_with_the_level_alone(unit):
    network, params = _open(**SIZES[0] | {"level_unit": unit})
    state = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 4, 12), np.float32))
    levels = jnp.array([STD / 2, 3 * STD])
    mean, log_std = network.apply({"params": params}, 0, state, levels, method="_prior")
    expected = levels / unit if unit else np.ones(2)
    assert not mean.any()
    np.testing.assert_allclose(
        np.exp(log_std), np.broadcast_to(expected[:, None, None, None], log_std.shape), rtol=1e-5)


def test_bands_stand_from_coarse_to_fine():
    bands = opening.bands_of(2)
    np.testing.assert_allclose(bands.T @ bands, np.eye(48), atol=1e-12)
    for size, coded in ((4, 3), (2, 12), (1, 48)):
        blocks = np.random.default_rng(size).random((1, 16 // size, 16 // size, 3), np.float32)
        image = jnp.asarray(blocks.repeat(size, 1).repeat(size, 2))
        coefficients = pixels.unshuffle(pixels.unshuffle(image, 2), 2) @ bands
        found = np.abs(coefficients).max((0, 1, 2)) > 1e-5
        assert found[:coded].all() and not found[coded:].any()


def test_grids_share_the_bands_out():
    """Each level's posterior starts at bands that those before it left."""
    network, params = _open(**SIZES[1])
    fine = params["degradation_posterior_0"]["mean_out"]["kernel"][0, 0]
    np.testing.assert_allclose(fine[:12, :9] * STD, opening.bands_of(1)[:, 3:], atol=1e-6)
    assert not fine[12:, :9].any()


@pytest.mark.parametrize("width", [8, 32])
def test_the_level_is_seen_from_the_start(width):
    """In proportion to the noise, whatever the brightness; not so before."""
    predictor = level_predictor.LevelPredictor(width)
    published = initial.variables(predictor, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    noise = jnp.asarray(np.random.default_rng(0).standard_normal((4, 32, 32, 3), np.float32))

    def predicted(params):
        return np.stack([predictor.apply({"params": params}, grey + std * noise)
                         for grey, std in ((0.5, 0.05), (0.5, 0.1), (0.2, 0.05))])

    found = predicted(opening.open_level(published))
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-4)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-4)
    assert (0.01 < found[0]).all() and (found[0] < 0.1).all()
    before = predicted(published)
    assert not np.allclose(before[1], 2 * before[0], rtol=0.2)


def test_a_width_that_cannot_hold_the_image_is_refused():
    with pytest.raises(ValueError, match=r"width of at least 3 \* 4\*\*2 = 48.*got 32"):
        _open(width=32, levels=(1, 1), downs=1)

"""The open start of LUD-VAE: the image passes, and the posterior sees what it must."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import lud_vae

STD = 0.02


def _open(layers, width=6):
    config = lud_vae.Config(width=width, layers=layers, open_noise_255=255 * STD)
    params = lud_vae.make(config).init(jax.random.key(0), None)["generator"]["params"]
    return lud_vae.build(config), {"params": params}


def _zero(name, shape):
    return jnp.zeros(shape)


@pytest.mark.parametrize("layers", [1, 3])
def test_the_image_passes_either_way(layers):
    network, params = _open(layers)
    image = jax.random.uniform(jax.random.key(1), (2, 12, 12, 3))
    restored = network.apply(params, image, method=network.denoise)
    np.testing.assert_allclose(restored, image, atol=1e-5)
    drawn = network.apply(params, image, jnp.ones(2), _zero, method=network.translate)
    np.testing.assert_allclose(drawn, image, atol=1e-5)


@pytest.mark.parametrize("layers", [2, 3])
def test_the_posterior_sees_what_the_noise_that_was_added_lacks(layers):
    network, params = _open(layers)
    y = jax.random.uniform(jax.random.key(1), (1, 12, 12, 3))
    added = 3 * STD * jax.random.normal(jax.random.key(2), y.shape)
    none = y[:0]

    def seen(hy):
        rec, kept = network.apply(
            params, (none, hy), y, _zero, method=network.reconstruct,
            capture_intermediates=lambda module, _: (module.name or "").startswith("posterior"),
        )
        assert rec.y.shape == y.shape
        return kept["intermediates"]

    noised, alike = seen(y + added), seen(y)
    for i in range(layers):
        for found, expected in ((noised, added / STD), (alike, 0 * added)):
            mean = found[f"posterior_{i}"]["__call__"][0][0]
            expected = expected if i < layers - 1 else 0
            np.testing.assert_allclose(mean[..., :3], expected + 0 * added, atol=1e-4)
            np.testing.assert_allclose(mean[..., 3:], 0, atol=1e-4)


def test_too_narrow_for_an_image():
    with pytest.raises(ValueError, match="width of at least 3, .* got 2"):
        _open(3, width=2)

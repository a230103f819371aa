"""SeNM-VAE without the clean reconstruction: what the term's absence changes, and what it does not.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, senm_vae, senm_vae_no_clean_reconstruction

CONFIG = senm_vae.Config(
    width=4, growth=2, levels=(1,), degradation_channels=4, predictor_width=4, gan_weight=0.0
)
SIDES = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}


@functools.cache
def _compiled(module):
    method = module.make(CONFIG)
    variables = method.init(jax.random.key(0), {})

    def loss(batch):
        context = base.Context(variables, batch, jax.random.key(1), jnp.int32(20_000), {})
        return method.loss("generator", variables["generator"]["params"], context)

    return jax.jit(loss)


def _loss(module, source=0):
    """(loss, metrics) of the generator on three domains, the source images drawn by ``source``."""
    batch = {
        domain: {side: np.random.default_rng([i, source * (domain == "source")]).integers(
            0, 256, (2, 16, 16, 3), np.uint8) for i, side in enumerate(sides)}
        for domain, sides in SIDES.items()
    }
    value, outcome = _compiled(module)(batch)
    assert np.isfinite(value)
    return value, outcome.metrics


def test_the_term_alone_is_gone():
    whole, before = _loss(senm_vae)
    rest, after = _loss(senm_vae_no_clean_reconstruction)
    np.testing.assert_allclose(rest, whole - before["rec_x"], rtol=1e-5)
    assert set(before) - set(after) == {"rec_x", "psnr_x"}
    for name, value in after.items():
        np.testing.assert_allclose(value, before[name], rtol=1e-5)


def test_source_rows_teach_nothing():
    def gap(module):
        return abs(_loss(module, source=1)[0] - _loss(module)[0])

    assert gap(senm_vae_no_clean_reconstruction) < 1e-6 < 1e-5 < gap(senm_vae)


def test_it_generates_and_does_not_restore():
    method, whole = (module.make(CONFIG) for module in (senm_vae_no_clean_reconstruction, senm_vae))
    assert method.restore is None and method.sample is not None
    assert (method.players, method.conditions) == (whole.players, whole.conditions)


def test_source_rows_alone_are_refused():
    method = senm_vae_no_clean_reconstruction.make(CONFIG)
    params = method.init(jax.random.key(0), {})["generator"]["params"]
    batch = {"source": {"clean": jnp.zeros((1, 16, 16, 3), jnp.uint8)}}
    context = base.Context({}, batch, jax.random.key(1), jnp.int32(1), {})
    with pytest.raises(ValueError, match="learns nothing from source rows alone; see config.data"):
        method.loss("generator", params, context)

"""LUD-VAE's network: published sizes, and rows that do not depend on the company they are in."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import lud_vae
from senm_jax.training import bench

UNUSED = ("noise_tower", "posterior", "join_posterior")
"""What translation does not need."""


def _zeros(name, shape):
    return jnp.zeros(shape)


def _ones(name, shape):
    return jnp.ones(shape)


def _image(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _abstract(network):
    """Shapes of a network's parameters."""
    image = _image(1, 8, 8, 3)
    return jax.eval_shape(
        lambda key, image: network.init(key, (image, image), image, _zeros, method="reconstruct"),
        jax.random.key(0), image,
    )


def _count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@functools.cache
def _small(**fields):
    network = lud_vae.LUDVAE(width=6, **fields)
    leaves, structure = jax.tree.flatten(_abstract(network))
    rng = np.random.default_rng(0)
    values = [0.2 * rng.standard_normal(leaf.shape, np.float32) for leaf in leaves]
    return network, jax.tree.unflatten(structure, values)


def _random(*shape, seed=1):
    return jnp.asarray(np.random.default_rng(seed).random(shape, np.float32))


def test_parameters_are_the_published_count():
    params = _abstract(lud_vae.LUDVAE())["params"]
    translate = {name: part for name, part in params.items() if not name.startswith(UNUSED)}
    assert _count(params) == 5_709_827
    assert _count(translate) == 3_773_443


def test_translation_and_restoration_run_no_degradation_encoder():
    network, variables = _small()
    kept = {n: p for n, p in variables["params"].items() if not n.startswith(UNUSED)}
    x = _random(1, 8, 8, 3)
    for name, arguments in (("translate", (x, jnp.ones(1), _ones)), ("denoise", (x,))):
        whole, bare = (
            network.apply({"params": params}, *arguments, method=name)
            for params in (variables["params"], kept)
        )
        np.testing.assert_array_equal(whole, bare)


def test_translation_costs_the_necessary_arithmetic():
    network = lud_vae.LUDVAE()
    jaxpr = jax.make_jaxpr(
        lambda params, x: network.apply(params, x, jnp.ones(1), _zeros, method="translate")
    )(_abstract(network), _image(1, 256, 256, 3))
    assert bench.macs(jaxpr.jaxpr) == pytest.approx(247.01e9, rel=1e-4)


@pytest.mark.parametrize(("source", "target", "most"), [(1, 0, 15.17e9), (0, 1, 23.36e9)])
def test_a_training_row_costs_what_its_domain_needs(source, target, most):
    network = lud_vae.LUDVAE()
    clean, noisy = _image(source, 64, 64, 3), _image(target, 64, 64, 3)
    jaxpr = jax.make_jaxpr(
        lambda params, clean, noisy: network.apply(
            params, (clean, noisy), noisy, _zeros, method="reconstruct"
        )
    )(_abstract(network), clean, noisy)
    assert 0.98 * most < bench.macs(jaxpr.jaxpr) < 1.001 * most


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_every_number_of_layers_trains_all_of_itself(layers):
    network, variables = _small(layers=layers)
    x, y = _random(1, 6, 6, 3), _random(2, 6, 6, 3, seed=2)

    def loss(params):
        rec = network.apply({"params": params}, (x, y), y, _ones, method="reconstruct")
        return jnp.sum(rec.x**2) + jnp.sum(rec.y**2) + 1e-3 * jnp.sum(rec.kl_zn)

    gradients = jax.jit(jax.grad(loss))(variables["params"])
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))
    translated = network.apply(variables, x, jnp.ones(1), _ones, method="translate")
    assert translated.shape == x.shape and np.isfinite(translated).all()
    assert network.radius == 8 * layers


def test_rows_do_not_depend_on_the_other_domain_or_on_their_layout():
    network, variables = _small()
    x, y, hy = (_random(2, 8, 8, 3, seed=seed) for seed in (1, 2, 3))
    none = x[:0]

    @functools.partial(jax.jit, static_argnames="shares")
    def run(noised, y, shares=1):
        return network.apply(variables, noised, y, _ones, shares, method="reconstruct")

    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    joint, clean, noisy = run((x, hy), y), run((x, none), none), run((none, hy), y)
    close(joint.x, clean.x)
    close(joint.y, noisy.y)
    close(joint.kl_zn, noisy.kl_zn)
    shared = run((x, hy), y, shares=2)
    close(shared.x, joint.x)
    close(shared.y, joint.y)
    close(shared.kl_zn, joint.kl_zn)


def test_a_clean_row_is_decoded_as_by_restoration():
    network, variables = _small()
    x = _random(2, 8, 8, 3)
    rec = network.apply(variables, (x, x[:0]), x[:0], _ones, method="reconstruct")
    denoised = network.apply(variables, x, method="denoise")
    np.testing.assert_allclose(rec.x, denoised, rtol=1e-5, atol=1e-6)
    cold = network.apply(variables, x, jnp.zeros(2), _ones, method="translate")
    np.testing.assert_allclose(cold, denoised, rtol=1e-5, atol=1e-6)


def test_a_deviation_beyond_float32_in_noisy_rows_leaves_clean_rows_alone():
    network, variables = _small()
    params = jax.tree.map(lambda leaf: leaf, variables["params"])
    params["posterior_2"]["conv"]["bias"] = jnp.full(12, 500.0)
    x = _random(1, 8, 8, 3)
    rec = network.apply({"params": params}, (x, x), x, _ones, method="reconstruct")
    assert np.isfinite(rec.x).all() and not np.isfinite(rec.y).any()


def test_half_precision_follows_single():
    network, variables = _small()
    half = lud_vae.LUDVAE(width=6, dtype=jnp.bfloat16)
    x = _random(1, 8, 8, 3)
    single, rough = (
        each.apply(variables, x, jnp.ones(1), _ones, method="translate")
        for each in (network, half)
    )
    assert rough.dtype == jnp.float32
    np.testing.assert_allclose(rough, single, atol=0.05 * np.abs(single).max())

"""SeNM-VAE's networks: published sizes, and rows that do not depend on the company they are in."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import (
    discriminators, initial, ladder, level_predictor, senm_vae, senm_vae_paired,
)
from senm_jax.ops import arrays
from senm_jax.training import bench

SMALL = {"width": 8, "growth": 4, "levels": (1,), "degradation_channels": 4}


def _zeros(name, shape):
    return jnp.zeros(shape)


def _image(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _abstract(network):
    """Shapes of a semi-supervised network's parameters."""
    image = _image(1, 16, 16, 3)
    return jax.eval_shape(
        lambda key, image: network.init(
            key,
            (image, image),
            (image, image),
            jnp.zeros(2),
            jnp.zeros(2, bool),
            _zeros,
            method="reconstruct",
        ),
        jax.random.key(0),
        image,
    )


def _count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@functools.cache
def _small(**fields):
    """A small network, its heads and merges not zero, so that every part matters."""
    network = senm_vae.SeNMVAE(**SMALL | fields)
    shapes = _abstract(network)
    leaves, structure = jax.tree.flatten(shapes)
    rng = np.random.default_rng(0)
    values = [0.1 * rng.standard_normal(leaf.shape, np.float32) for leaf in leaves]
    return network, jax.tree.unflatten(structure, values)


def test_semi_supervised_parameters_are_the_published_count():
    params = _abstract(senm_vae.SeNMVAE())["params"]
    unused = ("noisy_tower", "noise_tower", "content_noisy", "degradation_posterior")
    translate = {name: part for name, part in params.items() if not name.startswith(unused)}
    assert _count(params) == 19_955_739
    assert _count(translate) == 9_946_319


def test_paired_parameters_are_the_published_count():
    network = senm_vae_paired.SeNMVAEPaired()
    image = _image(1, 16, 16, 3)
    shapes = jax.eval_shape(
        lambda key, image: network.init(
            key, image, image, jnp.zeros(1), _zeros, method="reconstruct"
        ),
        jax.random.key(0),
        image,
    )
    unused = ("noisy_tower", "posterior")
    used = {n: p for n, p in shapes["params"].items() if not n.startswith(unused)}
    assert _count(shapes["params"]) == 17_043_011
    assert _count(used) == 10_603_107


@pytest.mark.parametrize(
    ("network", "arguments", "count"),
    [
        (level_predictor.LevelPredictor(), {}, 2_920_897),
        (discriminators.PatchDiscriminator(), {"train": False}, 2_765_633),
    ],
)
def test_critics_parameters_are_the_published_count(network, arguments, count):
    variables = initial.variables(network, jax.random.key(0), _image(1, 64, 64, 3), **arguments)
    assert _count(variables["params"]) == count


def test_translation_costs_the_published_arithmetic():
    network = senm_vae.SeNMVAE()
    jaxpr = jax.make_jaxpr(
        lambda params, x: network.apply(
            params, x, jnp.ones(1), jnp.ones(1), _zeros, method="translate"
        )
    )(_abstract(network), _image(1, 256, 256, 3))
    assert bench.macs(jaxpr.jaxpr) == pytest.approx(308.682e9, rel=1e-4)


def test_training_forward_costs_what_the_groups_need():
    network = senm_vae.SeNMVAE()
    image = _image(3, 64, 64, 3)
    jaxpr = jax.make_jaxpr(
        lambda params, image: network.apply(
            params,
            (image, image),
            (image, image),
            jnp.ones(6),
            jnp.ones(6, bool),
            _zeros,
            method="reconstruct",
        )
    )(_abstract(network), image)
    assert bench.macs(jaxpr.jaxpr) / 9 <= 1.01 * 31.8e9


def test_rows_do_not_depend_on_the_other_groups_or_on_their_layout():
    network, variables = _small(levels=(1, 1))
    rng = np.random.default_rng(1)
    source, clean, noisy, target = (
        jnp.asarray(rng.random((2, 8, 8, 3), np.float32)) for _ in range(4)
    )
    level, coins = jnp.array([0.1, 0.2, 0.3, 0.4]), jnp.array([True, False, False, True])
    none = source[:0]

    @functools.partial(jax.jit, static_argnames="shares")
    def run(x, y, level, coins, shares=1):
        return network.apply(
            variables, x, y, level, coins, _zeros, shares, method="reconstruct"
        )

    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    joint = run((source, clean), (noisy, target), level, coins)
    alone = run((source, none), (none, none), level[:0], coins[:0])
    close(joint.x[:2], alone.x)
    alone = run((none, none), (none, target), level[2:], coins[:0])
    close(joint.y[2:], alone.y)
    close(joint.kl_zn[2:], alone.kl_zn)
    alone = run((none, clean), (noisy, none), level[:2], coins)
    close(joint.x[2:], alone.x)
    close(joint.y[:2], alone.y)
    close(joint.kl_z, alone.kl_z)

    shared = run(
        (source, clean),
        (noisy, target),
        arrays.join([level[:2], level[2:]], 2),
        arrays.join([coins[:2], coins[2:]], 2),
        shares=2,
    )
    close(shared.x, arrays.join([joint.x[:2], joint.x[2:]], 2))
    close(shared.y, arrays.join([joint.y[:2], joint.y[2:]], 2))
    close(shared.kl_z, joint.kl_z)


@pytest.mark.parametrize("network", [
    senm_vae.SeNMVAE(**SMALL | {"levels": (1, 1)}),
    senm_vae_paired.SeNMVAEPaired(width=8, growth=4, levels=(1, 1)),
])
def test_sizes_that_do_not_fit_are_refused(network):
    given = _image(1, 8, 9, 3), _image(1), _image(1)
    with pytest.raises(ValueError, match="expected a height and width by 2s, got 8x9 pixels"):
        jax.eval_shape(lambda key, x, s, t: network.init(key, x, s, t, _zeros, method="translate"),
                       jax.random.key(0), *given)


def test_the_coin_decides_which_image_gives_the_content():
    network, variables = _small(levels=(1, 1))
    rng = np.random.default_rng(2)
    x, y = (jnp.asarray(rng.random((1, 8, 8, 3), np.float32)) for _ in range(2))
    none = x[:0]

    @jax.jit
    def content(x, y, mode):
        coins = jnp.array([mode, mode])
        level = jnp.array([0.1])
        return network.apply(
            variables, (none, x), (y, none), level, coins, _zeros, method="reconstruct"
        ).x

    np.testing.assert_array_equal(content(x, y, True), content(x, 1 - y, True))
    np.testing.assert_array_equal(content(x, y, False), content(1 - x, y, False))
    assert not np.allclose(content(x, y, True), content(x, y, False), atol=1e-4)


def test_level_and_temperature_reach_the_generated_noise():
    network, variables = _small()
    x = jnp.asarray(np.random.default_rng(3).random((1, 8, 8, 3), np.float32))

    def translate(level, temperature):
        return network.apply(
            variables, x, jnp.array([level]), jnp.array([temperature]), _zeros, method="translate"
        )

    base = translate(0.1, 1.0)
    assert np.abs(base - translate(0.5, 1.0)).max() > 1e-5
    assert np.abs(base - translate(0.1, 0.5)).max() > 1e-5


def test_initial_values_depend_on_the_key_alone():
    def draw(seed):
        return initial.variables(
            level_predictor.LevelPredictor(), jax.random.key(seed), _image(1, 16, 16, 3)
        )

    first, again, other = draw(0), draw(0), draw(1)
    jax.tree.map(np.testing.assert_array_equal, first, again)
    kernel = first["params"]["conv0"]["kernel"]
    assert not np.array_equal(kernel, other["params"]["conv0"]["kernel"])
    bound = 1 / np.sqrt(48)
    assert np.abs(kernel).max() <= bound < 1.1 * np.abs(kernel).max()
    traced = jax.jit(level_predictor.LevelPredictor().init)(
        jax.random.key(0), jnp.zeros((1, 16, 16, 3))
    )
    jax.tree.map(np.testing.assert_array_equal, first, traced)


def test_levels_count_in_their_unit():
    _, params = _small(level_unit=1.0)
    x = jnp.full((2, 16, 16, 3), 0.5)

    def normal(name, shape):
        return jax.random.normal(jax.random.key(len(name)), shape)

    @functools.partial(jax.jit, static_argnames="unit")
    def results(unit, level, temperature=1.0):
        scaled = senm_vae.SeNMVAE(**SMALL, level_unit=unit)
        translated = scaled.apply(
            params, x, jnp.full(2, level), jnp.full(2, temperature), normal,
            method=scaled.translate)
        reconstructed = scaled.apply(
            params, (x, x), (x, x), jnp.full(4, level), jnp.ones(4, bool), normal,
            method=scaled.reconstruct)
        return translated, reconstructed.kl_zn

    def same(left, right):
        return [np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(left, right, strict=True)]

    assert same(results(0.25, 0.05), results(0.5, 0.1)) == [True, True]
    assert same(results(0.25, 0.05), results(0.25, 0.1)) == [False, False]
    assert same(results(0.5, 0.0), results(0.5, ladder.LEAST_LEVEL)) == [True, True]
    # The prior's draws are s / unit times those at the unit, which is what a temperature does.
    assert same(results(0.25, 0.05), results(0.25, 0.25, 0.2)) == [True, False]


def test_the_posterior_sees_a_level_as_a_logarithm():
    _, published = _small()
    _, params = _small(level_unit=0.25)
    shared = {"params": published["params"] | {
        name: part for name, part in params["params"].items() if "prior" not in name}}
    x = jnp.full((2, 16, 16, 3), 0.5)

    def noisy(params, unit, level):
        network = senm_vae.SeNMVAE(**SMALL, level_unit=unit)
        rows = (x, x), (x, x), jnp.full(4, level), jnp.ones(4, bool), _zeros
        return network.apply(params, *rows, method=network.reconstruct).y

    # Both draw zn from the posterior, and only the prior's parameters differ.
    seen = noisy(params, 0.25, 0.05)
    np.testing.assert_allclose(seen, noisy(shared, 0.0, np.log(0.05 / 0.25)), rtol=1e-5, atol=1e-6)
    assert np.abs(seen - noisy(shared, 0.0, 0.05 / 0.25)).max() > 1e-4


@pytest.mark.parametrize("unit", [0.0, 0.25])
def test_generation_in_units_bounds_the_prior_s_width(unit):
    network, variables = _small(level_unit=unit)
    x, levels, ones = jnp.full((2, 16, 16, 3), 0.5), jnp.full(2, 0.5), jnp.ones(2)

    def normal(name, shape):
        return jnp.full(shape, name == "zn 0", jnp.float32)

    def generated(log_std):
        params = variables["params"]
        head = params["degradation_prior_0"]
        out = head["log_std_out"]
        out = {"kernel": jnp.zeros_like(out["kernel"]), "bias": jnp.full_like(out["bias"], log_std)}
        changed = params | {"degradation_prior_0": head | {"log_std_out": out}}
        return network.apply(
            {"params": changed}, x, levels, ones, normal, method=network.translate)

    at_bound, above = generated(senm_vae.WIDEST_LOG_STD), generated(9.0)
    assert np.abs(generated(1.0) - at_bound).max() > 1e-3
    assert np.array_equal(at_bound, above) == bool(unit)

"""DeFlow: its likelihood learns, and both directions shift latents and draw what they say."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from senm_jax.methods import base, deflow
from senm_jax.ops import matching

CONFIG = deflow.Config(
    levels=2, transitions=1, steps=1, hidden=6, scale=4, width=4, growth=2, blocks=1, tapped=(0,),
    bins=256, first_shift=0.1,
)
AIM19 = {
    "noisy_mean": (120.0, 115.0, 105.0), "noisy_std": (62.0, 60.0, 65.0),
    "clean_mean": (115.0, 111.0, 103.0), "clean_std": (70.0, 67.0, 73.0),
}
SMALLER = AIM19 | {"noisy_std": (50.0, 49.0, 52.0), "clean_std": (53.0, 51.0, 54.0)}
SIDE = 16


def _images(rows, seed, noise_255=0.0):
    rng = np.random.default_rng(seed)
    ramp = np.linspace(60, 190, SIDE)[:, None, None] * np.ones((1, SIDE, 3))
    image = ramp + rng.uniform(-40, 40, (rows, 1, 1, 3)) + noise_255 * rng.normal(
        size=(rows, SIDE, SIDE, 3))
    return image.round().clip(0, 255).astype(np.uint8)


def _batch(source=2, target=2):
    return {"source": {"clean": _images(source, 0)}, "target": {"noisy": _images(target, 1, 20.0)}}


@functools.cache
def _made(**changes):
    """(method, variables): after the first batch."""
    method = deflow.make(dataclasses.replace(CONFIG, **changes))
    return method, jax.jit(method.init)(jax.random.key(0), _batch(4, 4))


@functools.cache
def _loss():
    method, variables = _made()
    statistics = variables["flow"]["statistics"]

    def loss(params, batch, key):
        given = {"flow": {"params": params, "statistics": statistics}}
        return method.loss("flow", params, base.Context(given, batch, key, jnp.int32(1), {}))

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def _call(method, variables, image, heat=None, seed=3):
    rows = image.shape[0]
    keys, origin = jax.random.split(jax.random.key(seed), rows), jnp.zeros((rows, 2), jnp.int32)
    if heat is None:
        return jax.jit(method.restore)(variables, image, keys, origin)
    return jax.jit(method.sample)(variables, image, keys, {"heat": jnp.full(rows, heat)}, origin)


def test_the_loss_is_the_mean_over_all_rows_and_falls_by_learning():
    _, variables = _made()
    params, batch = variables["flow"]["params"], _batch(2, 4)
    (value, outcome), gradients = _loss()(params, batch, jax.random.key(0))
    m = outcome.metrics
    np.testing.assert_allclose(value, (2 * m["nll_x"] + 4 * m["nll_y"]) / 6, rtol=1e-6)
    optimiser = optax.adam(3e-3)
    state = optimiser.init(params)

    @jax.jit
    def learn(params, state, gradients):
        updates, state = optimiser.update(gradients, state)
        return optax.apply_updates(params, updates), state

    for step in range(30):
        params, state = learn(params, state, gradients)
        (last, _), gradients = _loss()(params, batch, jax.random.key(step))
    assert last < value - 1


def test_every_parameter_learns():
    _, variables = _made()
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: leaf + 0.05 * jnp.asarray(rng.normal(size=leaf.shape), jnp.float32),
        variables["flow"]["params"],
    )
    _, gradients = _loss()(params, _batch(2, 4), jax.random.key(0))
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.all(np.isfinite(leaf)) and np.abs(leaf).max() > 0, jax.tree_util.keystr(path)


def test_heat_leads_from_the_clean_image_to_the_degraded_one():
    method, variables = _made()
    image = jnp.asarray(_images(2, 5) / np.float32(255))
    cold, warm, hot = (_call(method, variables, image, heat) for heat in (0.0, 0.5, 1.0))
    assert cold.shape == image.shape
    np.testing.assert_allclose(cold, image, atol=0.5 / CONFIG.bins + 1e-5)
    half, whole = (np.abs(each - cold).mean() for each in (warm, hot))
    assert 0 < half < whole
    np.testing.assert_array_equal(hot, _call(method, variables, image, 1.0))
    assert np.abs(hot - _call(method, variables, image, 1.0, seed=4)).max() > 1e-3


def test_a_shift_without_covariance_is_undone_by_restoring_statistics_and_all():
    """But for h(x), which a shift changes a little."""
    config = dataclasses.replace(
        CONFIG, condition_std=0.0, bins=2**20, match_255=AIM19, match_small_255=AIM19
    )
    method, flow = deflow.make(config), _made()[1]["flow"]
    shifts = jax.tree.map(jnp.zeros_like, flow["params"]["shifts"])
    shifts["latent_0"]["mean"] = jnp.linspace(-0.5, 0.5, 48)
    given = {"flow": flow | {"params": flow["params"] | {"shifts": shifts}}}
    image = jnp.full((1, SIDE, SIDE, 3), 0.5)
    np.testing.assert_allclose(
        _call(method, given, image, 0.0), matching.unmatched(AIM19, image), atol=1e-5
    )
    degraded = _call(method, given, image, 1.0)
    assert np.abs(degraded - matching.unmatched(AIM19, image)).max() > 0.02
    np.testing.assert_allclose(_call(method, given, degraded), image, atol=0.02)


def test_statistics_of_the_target_are_matched_at_both_sizes():
    config = dataclasses.replace(
        CONFIG, match_255=AIM19, match_small_255=SMALLER, condition_std=0.0
    )
    reduced = functools.partial(deflow.build(config).apply, {}, method="reduced")
    batch = jax.tree.map(jnp.asarray, _batch())
    rows = deflow.group(config, reduced, batch, jax.random.key(1))
    x, y = (batch[d][s] / jnp.float32(255) for d, s in (("source", "clean"), ("target", "noisy")))
    for found, own, given, statistics in (
        (rows.image, x, y, AIM19), (rows.small, reduced(x), reduced(y), SMALLER),
    ):
        expected = np.stack([own[0], matching.matched(statistics, given)[0]])
        np.testing.assert_allclose(found[:2], expected, atol=0.5 / CONFIG.bins + 1e-5)


@pytest.mark.parametrize("domains", [("source",), ("target",), ("paired", "source", "target")])
def test_other_domains_than_the_two_are_refused(domains):
    batch = {**_batch(), "paired": {"clean": _images(1, 2), "noisy": _images(1, 3)}}
    batch = jax.tree.map(jnp.asarray, {name: batch[name] for name in domains})
    with pytest.raises(ValueError, match="learns from the domains source and target.*data.rows"):
        deflow.group(CONFIG, jnp.asarray, batch, jax.random.key(0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps: expected 1 or more, got 0"),
        ({"bins": 0}, "bins: expected 1 or more, got 0"),
        ({"scale": 8}, "scale: with 2 levels expected 4 or its half, at least 2, got 8"),
        ({"levels": 1, "scale": 1}, "scale: with 1 levels expected 2 or its half, at least 2"),
        ({"tapped": (1,)}, r"tapped: expected one or more of the blocks 0 to 0, got \(1,\)"),
        ({"tapped": ()}, "tapped: expected one or more"),
        ({"condition_std": -1.0}, "condition_std: expected 0 or more"),
        ({"first_shift": -1.0}, "first_shift: expected 0 or more"),
        ({"match_small_255": {"mean": (1.0,) * 3}}, "match_small_255: expected .*noisy_std"),
        ({"dtype": "int8"}, "dtype: expected float32 or bfloat16, got 'int8'"),
    ],
)
def test_what_cannot_be_built_is_refused_by_its_field(changes, message):
    with pytest.raises(ValueError, match=message):
        deflow.make(dataclasses.replace(CONFIG, **changes))

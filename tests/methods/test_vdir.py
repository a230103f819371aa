"""VDIR's objective in the train step, whose halves it learns from, and what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, vdir, vdir_rows
from senm_jax.training import optimisers, settings, state, step

BODY = {"width": 4, "blocks": 1, "layers": 1}
SMALL = {"architecture": BODY, "width": 4, "latent": 2, "discriminator_width": 2}
ADAM = dict(learning_rate=1e-3, b1=0.9, b2=0.999, eps=1e-8, schedule="steps", halve_at=(),
            decay=0.5, final=0.0, warmup=0, skip_above=0.0, skip_norm_of=".*")


def _batch(rows=4, size=8, targets=1, scale=1, seed=0):
    rng = np.random.default_rng(seed)
    return {"paired": {
        "clean": jnp.asarray(rng.integers(0, 256, (rows, scale * size, scale * size, 3), np.uint8)),
        "noisy": jnp.asarray(rng.random((rows, size, size, 3), np.float32)),
        "degradation": jnp.asarray(rng.random((rows, targets), np.float32)),
    }}


@functools.cache
def _trainer(**fields):
    """The state before the first step, and the compiled step."""
    method = vdir.make(_config(**fields))
    players = optimisers.make_all(
        {player: settings.Optimiser(**ADAM) for player in method.players}, 10)
    return state.create(method, players, 0, {}), jax.jit(step.make_step(method, players, 0))


def _stepped(batch, **fields):
    """The state before and after one step, and its metrics."""
    before, compiled = _trainer(**fields)
    return before, *compiled(before, batch)


def _config(**fields):
    return vdir.Config(**{**SMALL, **fields})


def _same(a, b):
    return [np.array_equal(x, y) for x, y in
            zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)]


def test_one_step_moves_every_parameter_and_each_u_twice():
    before, after, metrics = _stepped(_batch())
    for player in ("discriminator", "generator"):
        assert not any(_same(before.params[player], after.params[player]))
    judge = vdir.build(_config()).discriminator
    u = before.statistics["discriminator"]
    apply = jax.jit(lambda params, u: judge.apply(
        {"params": params, "statistics": u}, jnp.ones((1, 8, 8, 3)), mutable=["statistics"])[1])
    for params in (before.params, after.params):
        u = apply(params["discriminator"], u)["statistics"]
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-6),
                 after.statistics["discriminator"], u)
    parts = ("rec_x", "kl", "rec_y", "gan", "estimate")
    total = sum(vdir.weights(_config())[name] * metrics[f"generator/{name}"] for name in parts)
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-5)


def test_the_players_learn_from_different_halves():
    batch, other = _batch(), _batch(seed=1)
    _, both, metrics = _stepped(batch)
    for half, still in ((0, "generator"), (1, "discriminator")):
        mixed = {"paired": {name: rows.at[half::2].set(other["paired"][name][half::2])
                            for name, rows in batch["paired"].items()}}
        _, after, changed = _stepped(mixed)
        if still == "discriminator":
            assert all(_same(both.params[still], after.params[still]))
        for term in ("rec_x", "kl", "rec_y", "estimate"):  # gan sees the moved discriminator
            same = metrics[f"generator/{term}"] == changed[f"generator/{term}"]
            assert same == (still == "generator")


def test_8_bit_and_float_images_are_alike():
    batch = _batch()
    noisy = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    given = [{"paired": {**batch["paired"], "noisy": jnp.asarray(image)}}
             for image in (noisy, (noisy / np.float32(255)).astype(np.float32))]
    losses = [_stepped(each)[2]["generator/loss"] for each in given]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("fields, parts", [
    ({"gan_weight": 0.0, "estimate_weight": 0.0}, ["rec_x", "kl", "rec_y"]),
    ({"estimate": "kernel"}, None),
    ({"estimate": "quality", "channels": 1}, None),
    ({"restorer": "ffdnet", "architecture": {"width": 4, "depth": 2}}, None),
    ({"architecture": {**BODY, "scale": 2}, "estimate": "kernel"}, None),
], ids=["without critics", "kernel", "quality", "ffdnet", "x2"])
def test_every_form_has_its_terms_and_a_gradient_for_every_parameter(fields, parts):
    config = _config(**fields)
    method, batch = vdir.make(config), _batch(
        targets=vdir_rows.ESTIMATES[config.estimate].targets,
        scale=config.architecture.get("scale", 1))
    variables = method.init(jax.random.key(0), {})
    context = base.Context(variables, batch, jax.random.key(0), jnp.int32(1), {})
    (_, outcome), gradient = jax.jit(jax.value_and_grad(
        lambda params: method.loss("generator", params, context), has_aux=True,
    ))(variables["generator"]["params"])
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.any(np.asarray(leaf) != 0), jax.tree_util.keystr(path)
    assert set(outcome.metrics) == set(parts or ["rec_x", "kl", "rec_y", "gan", "estimate"])
    assert method.players == (("generator",) if parts else ("discriminator", "generator"))


def _restored(config, noisy, seed=0):
    method = vdir.make(config)
    variables = method.init(jax.random.key(0), {})
    keys = jax.random.split(jax.random.key(seed), len(noisy))
    origin = jnp.zeros((len(noisy), 2), jnp.int32)
    return jax.jit(method.restore)(variables, noisy, keys, origin), variables


def test_the_latent_is_its_mean_unless_it_is_drawn():
    noisy = jax.random.uniform(jax.random.key(3), (2, 8, 8, 3))
    fixed, variables = _restored(_config(), noisy)
    np.testing.assert_array_equal(fixed, _restored(_config(), noisy, seed=1)[0])
    method = vdir.make(_config())
    given = method.restore_with(variables, noisy, method.infer(variables, noisy))
    np.testing.assert_allclose(fixed, given, atol=1e-6)
    drawn = [_restored(_config(sample_latent=True), noisy, seed)[0]
             for seed in (0, 1)]
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3


def test_the_luma_s_change_is_every_channel_s():
    noisy = jax.random.uniform(jax.random.key(3), (1, 8, 8, 3))
    config = _config(channels=1)
    restored, variables = _restored(config, noisy)
    change = restored - noisy
    np.testing.assert_allclose(change[..., :1].repeat(3, -1), change, atol=1e-6)
    grey = noisy[..., :1].repeat(3, -1)
    alone, _ = _restored(config, grey[..., :1])
    np.testing.assert_allclose(_restored(config, grey)[0], alone.repeat(3, -1), atol=1e-5)


@pytest.mark.parametrize("fields, message", [
    ({"restorer": "unet"}, r"restorer: expected one of \['ffdnet', 'rir'\], got 'unet'"),
    ({"estimate": "iso"}, "estimate: expected one of .* got 'iso'"),
    ({"architecture": {"deep": 3}}, r"rir has the fields .* got \['deep'\]"),
    ({"architecture": {"scale": 3}}, "architecture.scale: expected a power of 2, got 3"),
    ({"channels": 2}, "channels: expected 3, or 1"),
    ({"latent": 0}, "latent: expected 1 or more, got 0"),
    ({"architecture": {"width": 0}}, "architecture.width: expected 1 or more, got 0"),
    ({"gan_weight": float("inf")}, "gan_weight: expected 0 or more, got inf"),
    ({"dtype": "int8"}, "dtype: expected float32 or bfloat16"),
])
def test_configs_that_cannot_be_built_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        vdir.make(_config(**fields))


@pytest.mark.parametrize("batch, message", [
    ({"source": {}}, r"expected 'paired' with clean, noisy, degradation, got \['source'\]"),
    (_batch(rows=3), "rows.paired: .* even number, got 3"),
    (_batch(targets=2), "config.hyper.estimate: 'sigma' learns 1 numbers a row, got 2 from"),
    (_batch(size=6), r"multiples of 4 .* got \(6, 6\)"),
    (_batch(scale=2), r"clean ones 1 times as large, got \(8, 8\) and \(16, 16\)"),
])
def test_batches_that_cannot_be_learnt_from_are_refused(batch, message):
    method = vdir.make(_config())
    variables = method.init(jax.random.key(0), {})
    context = base.Context(variables, batch, jax.random.key(0), jnp.int32(1), {})
    with pytest.raises(ValueError, match=message):
        method.loss("discriminator", variables["discriminator"]["params"], context)

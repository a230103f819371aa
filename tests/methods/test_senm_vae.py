"""SeNM-VAE's objective: what each part depends on, and what both variants refuse."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, critics, senm_vae, senm_vae_paired
from senm_jax.ops import gaussian, keys, pixels

SIZES = {"width": 8, "growth": 4, "levels": (1,), "discriminator_width": 4}
SIDE = 24


def _batch(domains=("paired", "source", "target")):
    sides = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}
    rng = np.random.default_rng(0)
    return {
        domain: {
            side: jnp.asarray(rng.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8))
            for side in sides[domain]
        }
        for domain in domains
    }


def _context(variables, batch, step=5000, handed=None):
    return base.Context(variables, batch, jax.random.key(1), jnp.int32(step), handed or {})


@functools.cache
def _semi():
    config = senm_vae.Config(**SIZES, degradation_channels=4)
    method = senm_vae.make(config)
    return config, method, method.init(jax.random.key(0), {})


def _loss(method, variables, batch, step=5000):
    return jax.jit(
        lambda params, step, batch: method.loss(
            "generator", params, _context(variables, batch, step)
        )
    )(variables["generator"]["params"], step, batch)


def test_every_player_learns_from_every_part_of_itself():
    _, method, variables = _semi()
    batch = _batch()

    def grads(player, handed):
        return jax.jit(
            jax.grad(
                lambda params: method.loss(
                    player, params, _context(variables, batch, handed=handed)
                ),
                has_aux=True,
            )
        )(variables[player]["params"])

    generator, outcome = grads("generator", {})
    # Heads and merges start at zero, so at first only what lies behind them learns.
    assert np.abs(generator["translator"]["out_image"]["kernel"]).max() > 0
    assert np.abs(generator["level_predictor"]["conv0"]["kernel"]).max() > 0
    discriminator, judged = grads("discriminator", dict(outcome.handed))
    del discriminator["conv4"]["bias"]  # the losses see differences of logits alone
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(discriminator))
    before = variables["discriminator"]["statistics"]["norm1"]["mean"]
    assert np.abs(judged.statistics["norm1"]["mean"] - before).max() > 0


def test_divergences_are_annealed_and_weighted():
    config, method, variables = _semi()
    value, outcome = _loss(method, variables, _batch(), 2500)
    m = outcome.metrics
    expected = (
        m["rec_x"]
        + m["rec_y"]
        + 0.25 * config.kl_weight * (m["kl_zn"] + config.kl_z_ratio * m["kl_z"])
        + m["level"]
        + config.gan_weight * m["gan"]
    )
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    late = senm_vae.weights(config, 30_000)
    assert late["kl_zn"] == config.kl_weight


@pytest.mark.parametrize(
    ("domains", "absent"),
    [
        (("source",), {"rec_y", "kl_zn", "kl_z", "level", "gan"}),
        (("target",), {"rec_x", "kl_z", "level"}),
        (("source", "target"), {"kl_z", "level"}),
    ],
)
def test_a_domain_that_is_absent_leaves_its_parts_out(domains, absent):
    _, method, variables = _semi()
    value, outcome = _loss(method, variables, _batch(domains))
    everything = {"rec_x", "rec_y", "kl_zn", "kl_z", "level", "gan"}
    assert everything - set(outcome.metrics) == absent
    assert np.isfinite(value)


def test_the_level_of_a_target_row_is_the_predictors_and_of_a_pair_the_measured_one():
    _, method, variables = _semi()
    batch = _batch()
    clean = batch["paired"]["clean"] / np.float32(255)
    noisy = batch["paired"]["noisy"] / np.float32(255)
    measured = method.imitate(variables, jnp.asarray(clean), jnp.asarray(noisy))
    np.testing.assert_allclose(
        measured["level"], (noisy - clean).reshape(2, -1).std(1, ddof=1), rtol=1e-5
    )
    guessed = method.imitate(variables, None, jnp.asarray(noisy))
    assert guessed["level"].shape == (2,) and (guessed["level"] >= 0).all()
    assert not np.allclose(guessed["level"], measured["level"])


def test_a_pair_s_level_can_be_its_patch_s_and_rows_count_by_it():
    unit, level = 0.05, jnp.array([0.02, 0.2])
    config = senm_vae.Config(**SIZES, degradation_channels=4, gan_weight=0.0, level_unit=unit,
                             patch_level=True, open_content=True)
    built, method = senm_vae.build(config), senm_vae.make(config)
    variables = method.init(jax.random.key(0), {})
    batch = _batch(("paired",))
    batch["paired"]["level"] = level
    metrics = _loss(method, variables, batch)[1].metrics

    params = variables["generator"]["params"]
    x, y = (pixels.to_float(batch["paired"][side]) for side in ("clean", "noisy"))
    predicted = built.predictor.apply({"params": params["level_predictor"]}, y)
    np.testing.assert_allclose(metrics["level"], np.abs(level - predicted).mean(), rtol=1e-5)
    coins = jax.random.bernoulli(
        keys.named(jax.random.key(1), "from_clean"), config.from_clean, (4,))
    rec = built.network.apply(
        {"params": params["translator"]}, (x[:0], x), (y, y[:0]), level, coins,
        gaussian.draws(jax.random.key(1)), 2, method=built.network.reconstruct)
    expected = (rec.kl_zn * (level / unit) ** 2).mean()
    np.testing.assert_allclose(metrics["kl_zn"], expected, rtol=1e-4)
    assert not np.isclose(metrics["kl_zn"], rec.kl_zn.mean(), rtol=0.2)


def test_relativistic_losses_are_those_of_the_formula():
    real, fake = (
        jnp.asarray(np.random.default_rng(i).standard_normal((2, 3, 3, 1), np.float32))
        for i in range(2)
    )

    def bce(logits, label):
        return np.mean(np.logaddexp(0, logits) - label * logits)

    expected = (bce(real - fake.mean(), 1) + bce(fake - real.mean(), 0)) / 2
    np.testing.assert_allclose(critics.relativistic(real, fake), expected, rtol=1e-5)
    assert critics.relativistic(real + 3, fake) < critics.relativistic(real, fake)


@pytest.mark.parametrize("method", [senm_vae, senm_vae_paired])
def test_what_cannot_be_built_is_refused_by_its_field(method):
    config = method.Config(**SIZES)
    with pytest.raises(ValueError, match="lpips_weight.*lpips_file"):
        method.make(dataclasses.replace(config, lpips_weight=0.01))
    with pytest.raises(ValueError, match="no file 'nowhere.npz'"):
        method.make(dataclasses.replace(config, lpips_weight=0.01, lpips_file="nowhere.npz"))
    with pytest.raises(ValueError, match="width: expected a positive multiple of 4, got 6"):
        method.make(dataclasses.replace(config, width=6))
    with pytest.raises(ValueError, match="levels"):
        method.make(dataclasses.replace(config, levels=()))
    with pytest.raises(ValueError, match="dtype"):
        method.make(dataclasses.replace(config, dtype="int8"))
    with pytest.raises(ValueError, match="growth: expected 1 or more, got 0"):
        method.make(dataclasses.replace(config, growth=0))
    with pytest.raises(ValueError, match="gan_weight: expected 0 or more, got nan"):
        method.make(dataclasses.replace(config, gan_weight=float("nan")))


def test_a_coin_is_a_probability():
    with pytest.raises(ValueError, match="from_clean: expected a probability, got 2.0"):
        senm_vae.make(senm_vae.Config(**SIZES, from_clean=2.0))


def test_crops_too_small_for_the_discriminator_are_refused():
    _, method, variables = _semi()
    batch = jax.tree.map(lambda a: a[:, :16, :16], _batch())
    with pytest.raises(ValueError, match="at least 24x24 pixels, got 16x16"):
        _loss(method, variables, batch)


def test_a_discriminator_without_noisy_images_is_refused_by_the_rows():
    _, method, variables = _semi()
    nothing = jnp.zeros((0, 32, 32, 3))
    context = _context(variables, _batch(("source",)), handed={"real": nothing, "fake": nothing})
    with pytest.raises(ValueError, match="config.data.rows: .* take a config without a discrimin"):
        method.loss("discriminator", variables["discriminator"]["params"], context)


def test_the_paired_variant_takes_a_step_of_both_players():
    method = senm_vae_paired.make(senm_vae_paired.Config(**SIZES))
    variables = method.init(jax.random.key(0), {})
    batch = _batch(("paired",))
    value, outcome = _loss(method, variables, batch)
    assert {"rec_y", "kl_zn", "gan"} <= set(outcome.metrics) and np.isfinite(value)
    context = _context(variables, batch, handed=outcome.handed)
    judged, _ = method.loss("discriminator", variables["discriminator"]["params"], context)
    assert np.isfinite(judged)
    with pytest.raises(ValueError, match="off pairs"):
        method.imitate(variables, None, jnp.zeros((1, 8, 8, 3)))

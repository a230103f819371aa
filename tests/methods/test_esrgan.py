"""ESRGAN's objective: its terms and weights, what each player learns, and what is refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, critics, esrgan
from senm_jax.metrics import vgg
from senm_jax.ops import pixels

SIZES = {"width": 4, "growth": 2, "blocks": 1, "discriminator_width": 2, "discriminator_side": 32}


def _batch(side=8):
    rng = np.random.default_rng(0)
    clean, noisy = (jnp.asarray(rng.integers(0, 256, (3, n, n, 3), np.uint8))
                    for n in (4 * side, side))
    return {"paired": {"clean": clean, "noisy": noisy}}


@functools.cache
def _made():
    method = esrgan.make(esrgan.Config(**SIZES))
    return method, method.init(jax.random.key(0), _batch())


def _gradient(method, variables, player, handed, batch):
    def loss(params):
        context = base.Context(variables, batch, jax.random.key(1), jnp.int32(1), handed)
        value, outcome = method.loss(player, params, context)
        return value, (value, outcome)

    return jax.jit(jax.grad(loss, has_aux=True))(variables[player]["params"])


@functools.cache
def _generator():
    method, variables = _made()
    return _gradient(method, variables, "restorer", {}, _batch())


def test_the_generator_s_loss_is_its_weighted_terms():
    method, variables = _made()
    _, (value, outcome) = _generator()
    clean = pixels.to_float(_batch()["paired"]["clean"])
    fake = outcome.handed["fake"]
    np.testing.assert_allclose(outcome.handed["real"], clean, rtol=1e-6)
    m = outcome.metrics
    assert set(m) == {"l1", "gan", "psnr"}
    np.testing.assert_allclose(m["l1"], jnp.mean(jnp.abs(fake - clean)), rtol=1e-5)
    np.testing.assert_allclose(value, 0.01 * m["l1"] + 0.005 * m["gan"], rtol=1e-5)
    restored = method.restore(
        variables, pixels.to_float(_batch()["paired"]["noisy"]), None, None)
    np.testing.assert_allclose(fake, restored, atol=1e-5)


def test_both_players_learn_from_every_part_of_themselves():
    method, variables = _made()
    gradient, (_, outcome) = _generator()
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    judged, (value, outcome) = _gradient(
        method, variables, "discriminator", dict(outcome.handed), _batch())
    del judged["linear2"]["bias"]  # the losses see differences of logits alone
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(judged))
    assert set(outcome.metrics) == {"gan", "real_logit", "fake_logit"}
    moved = outcome.statistics["norm0_1"]["mean"]
    assert np.abs(moved - variables["discriminator"]["statistics"]["norm0_1"]["mean"]).max() > 0


def test_the_players_want_opposite_things():
    real, fake = jnp.array([[2.0], [1.0]]), jnp.array([[-1.0], [0.0]])
    assert critics.relativistic(real, fake) < critics.relativistic(fake, real)


def test_without_a_discriminator_there_is_one_player():
    method = esrgan.make(esrgan.Config(**SIZES, gan_weight=0.0, pixel_weight=1.0))
    assert method.players == ("restorer",)
    variables = method.init(jax.random.key(0), _batch())
    assert set(variables) == {"restorer"} and method.restore_reach == base.Reach(1, 19, 4)


def test_the_feature_term_is_the_distance_by_the_file_s_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg, "_STAGES", ((2, 1), (3, 1), (3, 1), (3, 1), (4, 1)))
    rng = np.random.default_rng(0)
    entries = {name: rng.standard_normal(shape) for name, shape in vgg.shapes().items()}
    np.savez(tmp_path / "vgg.npz", **entries)
    config = esrgan.Config(
        **SIZES, gan_weight=0.0, feature_weight=1.0, feature_file=str(tmp_path / "vgg.npz"))
    method = esrgan.make(config)
    variables = method.init(jax.random.key(0), _batch())
    _, (value, outcome) = _gradient(method, variables, "restorer", {}, _batch())
    clean, fake = outcome.handed["real"], outcome.handed["fake"]
    expected = jnp.mean(vgg.distance(vgg.from_entries(entries), fake, clean))
    np.testing.assert_allclose(outcome.metrics["feature"], expected, rtol=1e-4)
    np.testing.assert_allclose(value, 0.01 * outcome.metrics["l1"] + expected, rtol=1e-4)


def test_features_without_their_weights_are_refused():
    with pytest.raises(ValueError, match="feature_weight: 1.0 asks for VGG19's features.*or set"):
        esrgan.make(esrgan.Config(**SIZES, feature_weight=1.0))
    with pytest.raises(ValueError, match="VGG19 weights: no file 'x.npz': write one"):
        esrgan.make(esrgan.Config(**SIZES, feature_weight=1.0, feature_file="x.npz"))


@pytest.mark.parametrize("clean, noisy, match", [
    (8, 8, "makes 32x32 pixels of a crop of 8x8, but the clean crops have 8x8"),
    (64, 16, "discriminator_side: .* clean crops of 32x32 pixels, got 64x64"),
])
def test_crops_of_another_size_are_refused(clean, noisy, match):
    method, variables = _made()
    pair = {name: jnp.zeros((2, n, n, 3), jnp.uint8)
            for name, n in (("clean", clean), ("noisy", noisy))}
    context = base.Context(variables, {"paired": pair}, jax.random.key(0), jnp.int32(1), {})
    with pytest.raises(ValueError, match=match):
        jax.eval_shape(lambda p: method.loss("restorer", p, context)[0],
                       variables["restorer"]["params"])


def test_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="pixel_weight: expected 0 or more, got -1.0"):
        esrgan.make(esrgan.Config(pixel_weight=-1.0))
    with pytest.raises(ValueError, match="dtype: expected float32 or bfloat16, got 'int8'"):
        esrgan.make(esrgan.Config(dtype="int8"))

"""The supervised method: what it minimises, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, supervised

TINY = {"depth": 3, "width": 8}


def _batch(rows=2, size=10):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, rows, size, size, 3), dtype=np.uint8)
    return {"paired": {"clean": jnp.asarray(image[0]), "noisy": jnp.asarray(image[1])}}


def _context(variables, batch):
    return base.Context(variables, batch, jax.random.key(0), jnp.int32(1), {})


@pytest.mark.parametrize("loss", ["l1", "mse", "psnr"])
def test_loss_is_that_of_the_training_output(loss):
    method = supervised.make(supervised.Config("dncnn", TINY, loss))
    batch = _batch()
    variables = method.init(jax.random.key(0), batch)
    variables["restorer"]["params"]["last"] = jax.tree.map(
        jnp.zeros_like, variables["restorer"]["params"]["last"]
    )
    value, outcome = method.loss(
        "restorer", variables["restorer"]["params"], _context(variables, batch)
    )
    noise = (np.asarray(batch["paired"]["noisy"], float) - batch["paired"]["clean"]) / 255
    power = np.mean(noise**2)
    each = 10 * np.log10(np.mean(noise**2, (1, 2, 3)) + 1e-8)
    expected = {"l1": np.mean(np.abs(noise)), "mse": power, "psnr": np.mean(each)}[loss]
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert list(outcome.metrics) == list(dict.fromkeys([loss, "psnr"]))
    np.testing.assert_allclose(outcome.metrics["psnr"], -10 * np.log10(power), rtol=1e-5)


def test_every_parameter_has_a_gradient_and_statistics_move():
    method = supervised.make(supervised.Config("dncnn", TINY | {"body_bias": False}))
    batch = _batch()
    variables = method.init(jax.random.key(0), batch)
    (_, outcome), gradient = jax.value_and_grad(
        lambda params: method.loss("restorer", params, _context(variables, batch)), has_aux=True
    )(variables["restorer"]["params"])
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.any(np.asarray(leaf) != 0), jax.tree_util.keystr(path)
    before = variables["restorer"]["statistics"]
    assert jax.tree.structure(before) == jax.tree.structure(outcome.statistics)
    assert all(
        np.any(np.asarray(a) != np.asarray(b))
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(outcome.statistics), strict=True)
    )


def test_restore_uses_the_stored_statistics():
    method = supervised.make(supervised.Config("dncnn", TINY))
    variables = method.init(jax.random.key(0), _batch())
    noisy = jax.random.uniform(jax.random.key(1), (2, 6, 7, 3))
    keys, origin = jax.random.split(jax.random.key(0), 2), jnp.zeros((2, 2), jnp.int32)
    both = method.restore(variables, noisy, keys, origin)
    alone = method.restore(variables, noisy[:1], keys[:1], origin[:1])
    np.testing.assert_allclose(both[:1], alone, atol=1e-6)
    assert method.restore_reach == base.Reach(1, 3, 1)


NETWORKS = {
    "dncnn": TINY,
    "drunet": {"widths": (4, 6), "blocks": 1},
    "ffdnet": {"depth": 3, "width": 4},
    "nafnet": {"width": 4, "encoder": (1,), "middle": 1, "decoder": (1,)},
    "rrdbnet": {"width": 4, "growth": 2, "blocks": 1},
    "rir": {"width": 4, "blocks": 1, "layers": 1},
}


def test_every_network_has_a_case():
    assert set(NETWORKS) == set(supervised.NETWORKS)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_learns_and_restores(network):
    told = {"level": 0.1} if network == "ffdnet" else {}
    method = supervised.make(supervised.Config(network, NETWORKS[network], **told))
    scale = 4 if network == "rrdbnet" else 1
    batch = {"paired": {"noisy": _batch()["paired"]["noisy"], "level": jnp.array([0.1, 0.2]),
                        "clean": _batch(size=10 * scale)["paired"]["clean"]}}
    variables = method.init(jax.random.key(0), batch)
    gradient = jax.jit(jax.grad(lambda params: method.loss(
        "restorer", params, _context(variables, batch))[0]))(variables["restorer"]["params"])
    assert any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(gradient))
    keys, origin = jax.random.split(jax.random.key(0), 2), jnp.zeros((2, 2), jnp.int32)
    noisy = jax.random.uniform(jax.random.key(1), (2, 6, 8, 3))
    restored = jax.jit(method.restore)(variables, noisy, keys, origin)
    assert restored.shape == (2, 6 * scale, 8 * scale, 3) and restored.dtype == jnp.float32


def test_a_network_that_is_told_the_level_learns_from_each_pair_s():
    method = supervised.make(supervised.Config("ffdnet", NETWORKS["ffdnet"], level=0.1))
    batch = _batch()
    batch["paired"]["level"] = jnp.array([0.1, 0.1])
    variables = method.init(jax.random.key(0), batch)

    def value(level):
        paired = {**batch["paired"], "level": jnp.array(level)}
        return float(method.loss("restorer", variables["restorer"]["params"],
                                 _context(variables, {"paired": paired}))[0])

    assert value([0.1, 0.1]) != value([0.1, 0.5])


def test_restoring_without_the_level_is_refused():
    method = supervised.make(supervised.Config("ffdnet", NETWORKS["ffdnet"]))
    variables = method.init(jax.random.key(0), _batch())
    with pytest.raises(ValueError, match="config.hyper.level: expected .* ffdnet is told; got 0"):
        method.restore(variables, jnp.zeros((1, 4, 4, 3)), None, None)


def test_a_batch_without_pairs_is_refused():
    method = supervised.make(supervised.Config("dncnn", NETWORKS["dncnn"]))
    with pytest.raises(ValueError, match=r"learns from the domain paired, got \['source'\]; see"):
        method.init(jax.random.key(0), {"source": {}})


def test_clean_crops_of_another_size_are_refused():
    method = supervised.make(supervised.Config("rrdbnet", NETWORKS["rrdbnet"]))
    batch = _batch()
    variables = method.init(jax.random.key(0), batch)
    with pytest.raises(ValueError, match="makes 40x40 pixels of a crop of 10x10, but .* 10x10"):
        method.loss("restorer", variables["restorer"]["params"], _context(variables, batch))


@pytest.mark.parametrize(
    "config, message",
    [
        (supervised.Config("unet"), r"network: expected one of \['dncnn'.*got 'unet'"),
        (supervised.Config("dncnn", {"deep": 3}), r"dncnn has the fields .* got \['deep'\]"),
        (supervised.Config("dncnn", {"depth": 1}), "architecture.depth: expected 2 or more, got 1"),
        (supervised.Config(loss="l2"), r"loss: expected one of .* got 'l2'"),
        (supervised.Config(level=0.1), "level: expected 0, this network is not told it, got 0.1"),
        (supervised.Config("ffdnet", level=25.0), r"level: expected .* in \(0, 1\], .* got 25"),
        (supervised.Config("ffdnet", level=-0.1), r"level: expected .* in \(0, 1\], .* got -0.1"),
        (supervised.Config("dncnn", {"depth": 17.0}), "depth: expected int, .* 17, got 17.0"),
        (supervised.Config("dncnn", {"epsilon": "1"}), "epsilon: expected float, .* got '1'"),
        (supervised.Config("drunet", {"widths": 64}), r"widths: expected tuple, .* got 64"),
        (supervised.Config("dncnn", {"channels": 1}), "channels: expected 3, the images', got 1"),
        (supervised.Config("rir", {"scale": 3}), "scale: expected a power of 2, got 3"),
        (supervised.Config(dtype="float16"), "dtype: expected float32 or bfloat16, got 'float16'"),
        (supervised.Config(dtype="int8"), "dtype: expected float32.* got 'int8'"),
    ],
    ids=["network", "field", "depth", "loss", "level", "8-bit level", "negative level", "float",
         "text", "number", "channels", "scale", "float16", "dtype"],
)
def test_unknown_names_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        supervised.make(config)

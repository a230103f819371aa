"""Noise Flow, Flow-sRGB and heteroscedastic Gaussian noise: likelihood, sampling, configurations.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from senm_jax.methods import base, flow_srgb, heteroscedastic_gaussian, noise_flow, pixel_noise

NAMES = ("quiet_00100", "loud_03200")
MODULES = {
    "noise_flow": (noise_flow, {"couplings": 2}),
    "flow_srgb": (flow_srgb, {"groups": 1}),
    "heteroscedastic_gaussian": (heteroscedastic_gaussian, {}),
}
STD = (0.01, 0.08)
SIDE = 8
ROWS, PATCH = 200, (4, 4, 3)
"""Of images that are drawn."""


@functools.cache
def _make(name, **changes):
    module, fields = MODULES[name]
    return module.make(module.Config(**{"configurations": NAMES, **fields, **changes}))


def _batch(configuration=(0, 1, 0, 1)):
    """Pairs under white noise, of these configurations."""
    rng, configuration = np.random.default_rng(0), np.array(configuration)
    clean = rng.integers(60, 190, (len(configuration), SIDE, SIDE, 3), np.uint8)
    std = np.array(STD)[configuration, None, None, None]
    noisy = np.round(clean + 255 * std * rng.normal(size=clean.shape)).clip(0, 255)
    return {"paired": {"clean": clean, "noisy": noisy.astype(np.uint8),
                       "configuration": configuration.astype(np.int32)}}


@functools.cache
def _moved(name):
    """(method, variables away from their first values)."""
    method = _make(name)
    variables = method.init(jax.random.key(0), _batch())["flow"]
    rng = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: leaf + 0.1 * jnp.asarray(rng.normal(size=leaf.shape), jnp.float32),
        variables["params"],
    )
    return method, {"flow": {**variables, "params": params}}


@functools.cache
def _loss(name):
    method, variables = _moved(name)

    def loss(params, batch):
        tree = {"flow": {"params": params, "statistics": variables["flow"]["statistics"]}}
        context = base.Context(tree, batch, jax.random.key(1), jnp.int32(1), {})
        return method.loss("flow", params, context)

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def _float(image):
    return jnp.asarray(image / np.float32(255))


def _gaussian(first, second):
    """Variables of heteroscedastic noise: b1 and b2 of each configuration."""
    table = {name: np.log(np.array(values))[:, None] * np.ones(3, np.float32)
             for name, values in [("log_b1", first), ("log_b2", second)]}
    return {"flow": {"params": jax.tree.map(jnp.float32, table), "statistics": {}}}


def _sample(method, variables, conditions, clean, seed=0):
    rows = clean.shape[0]
    keys = jax.random.split(jax.random.key(seed), rows)
    given = {name: jnp.full(rows, {**method.conditions, **conditions}[name], jnp.float32)
             for name in method.conditions}
    origin = jnp.zeros((rows, 2), jnp.int32)
    return np.asarray(jax.jit(method.sample)(variables, clean, keys, given, origin))


@pytest.mark.parametrize("name", MODULES)
def test_every_parameter_learns_and_each_row_by_its_own_configuration(name):
    _, variables = _moved(name)
    params = variables["flow"]["params"]
    (value, outcome), gradients = _loss(name)(params, _batch())
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.all(np.isfinite(leaf)) and np.abs(leaf).max() > 0, jax.tree_util.keystr(path)
    np.testing.assert_allclose(outcome.metrics["bpd"], value / math.log(2), rtol=1e-6)
    (other, _), _ = _loss(name)(params, _batch((1, 1, 1, 1)))
    assert other != value
    unknown = _batch()
    unknown["paired"]["configuration"] = np.array([0, 1, 0, 2], np.int32)
    assert np.isnan(_loss(name)(params, unknown)[0][0])


def test_the_likelihood_is_the_normal_distribution_s():
    method = _make("heteroscedastic_gaussian")
    variables = _gaussian((1e-3, 4e-3), (1e-4, 2e-4))
    pair = _batch()["paired"]
    judged = method.judge(variables, _float(pair["clean"]), _float(pair["noisy"]))
    uniform = np.asarray(pixel_noise._fixed((SIDE, SIDE, 3))("noisy"))
    x = (pair["clean"] + 0.5) / 256
    noise = (pair["noisy"] + uniform) / 256 - x
    for i, (b1, b2) in enumerate([(1e-3, 1e-4), (4e-3, 2e-4)]):
        logs = scipy.stats.norm.logpdf(noise, 0, np.sqrt(b1 * x + b2)).sum((1, 2, 3))
        bits = 8 - logs / (math.log(2) * noise[0].size)
        np.testing.assert_allclose(judged.bits[:, i], bits, rtol=1e-4)
        np.testing.assert_allclose(judged.log_odds[:, i], logs, rtol=1e-4)


def test_heteroscedastic_noise_has_the_variance_it_says():
    method, variables = _make("heteroscedastic_gaussian"), _gaussian((1e-3, 4e-3), (1e-4, 2e-4))
    clean = jnp.repeat(jnp.array([0.2, 0.8]), ROWS // 2)[:, None, None, None] + jnp.zeros(PATCH)
    for name, b1, b2 in [(NAMES[0], 1e-3, 1e-4), (NAMES[1], 4e-3, 2e-4)]:
        drawn = _sample(method, variables, {name: 1.0}, clean)
        noise = (drawn - clean).reshape(2, -1)
        expected = np.sqrt(b1 * np.array([0.2, 0.8]) + b2)
        np.testing.assert_allclose(noise.std(1), expected, rtol=0.03)
        np.testing.assert_allclose(noise.mean(1), 0, atol=0.003)
        again = _sample(method, variables, {name: 7.0}, clean)
        np.testing.assert_array_equal(again, drawn)
    cold = _sample(method, variables, {NAMES[1]: 1.0, "temperature": 0.0}, clean)
    np.testing.assert_allclose(cold, clean, atol=1e-6)


def test_without_weights_every_configuration_is_drawn_alike():
    method, variables = _make("heteroscedastic_gaussian"), _gaussian((1e-8, 1e-8), (1e-6, 1e-2))
    clean = jnp.full((ROWS, *PATCH), 0.5)
    loud = (_sample(method, variables, {}, clean) - clean).std((1, 2, 3)) > 0.02
    assert 70 < loud.sum() < 130
    given = {NAMES[0]: 3.0, NAMES[1]: 1.0}
    loud = (_sample(method, variables, given, clean) - clean).std((1, 2, 3)) > 0.02
    assert 30 < loud.sum() < 70


def test_imitate_finds_the_configuration_of_an_example():
    method, variables = _make("heteroscedastic_gaussian"), _gaussian((1e-8, 1e-8), (1e-4, 6e-3))
    pair = _batch()["paired"]
    found = method.imitate(variables, _float(pair["clean"]), _float(pair["noisy"]))
    assert set(found) == set(method.conditions)
    np.testing.assert_allclose(found[NAMES[1]], [0, 1, 0, 1], atol=1e-3)
    np.testing.assert_allclose(found["temperature"], 1)
    with pytest.raises(ValueError, match="noise reads noise off pairs: it needs the clean image"):
        method.imitate(variables, None, _float(pair["noisy"]))


def test_rounding_to_8_bits_undoes_the_dequantisation():
    values = np.arange(256).reshape(1, 16, 16, 1).repeat(3, 3)
    for u in (0.01, 0.5, 0.99):
        spread = pixel_noise._spread("clean", _float(values), ("clean",), lambda side: u)
        np.testing.assert_array_equal(np.round(255 * pixel_noise._image(spread)), values)
    alone = pixel_noise._spread("clean", _float(values), (), jnp.zeros)
    np.testing.assert_allclose(pixel_noise._image(alone), values / 255, atol=1e-6)


def test_noise_flow_is_dequantised_only_where_asked_for():
    _, variables = _moved("noise_flow")
    batch = jax.tree.map(jnp.asarray, _batch())
    context = base.Context(variables, batch, jax.random.key(1), jnp.int32(1), {})
    params = variables["flow"]["params"]

    def value(dequantise, seed):
        method = _make("noise_flow", dequantise=dequantise)
        return method.loss("flow", params, context._replace(key=jax.random.key(seed)))[0]

    assert value(False, 1) == value(False, 2)
    assert value(True, 1) != value(True, 2)


def test_what_cannot_be_built_or_learnt_from_is_refused():
    for name in MODULES:
        with pytest.raises(ValueError, match="configurations: expected one or more"):
            _make(name, configurations=())
    for name in ("noise_flow", "flow_srgb"):
        for wrong in ("camera", "camera_two", "sony_7", "camera_00000"):
            with pytest.raises(ValueError, match=f"needs the ISO|got '{wrong}'"):
                _make(name, configurations=("a_00100", wrong))
    with pytest.raises(ValueError, match="couplings: expected 2 or more, got 1"):
        _make("noise_flow", couplings=1)
    with pytest.raises(ValueError, match="groups: expected 1 or more, got 0"):
        _make("flow_srgb", groups=0)
    untagged = {"paired": {k: v for k, v in _batch()["paired"].items() if k != "configuration"}}
    with pytest.raises(ValueError, match="Flow-sRGB learns from pairs tagged with their camera"):
        _make("flow_srgb").init(jax.random.key(0), untagged)

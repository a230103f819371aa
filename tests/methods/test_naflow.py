"""NAFlow: its likelihood, its configurations, and noise like an example's."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, configurations, naflow
from senm_jax.nn import camera_gaussians

NAMES = ("quiet_00100", "loud_03200")
CONFIG = naflow.Config(configurations=NAMES, levels=2, transitions=1, blocks=1, width=8, hidden=4)
STD = (0.01, 0.08)
STD_OF_LOUD = 1.5
"""Of the latent."""
SIDE = 16


def _batch(configuration=(0, 1, 0, 1)):
    """Pairs under white noise, of these configurations."""
    rng, rows, configuration = np.random.default_rng(0), len(configuration), np.array(configuration)
    clean = rng.integers(60, 190, (rows, SIDE, SIDE, 3), np.uint8)
    std = np.array(STD)[configuration, None, None, None]
    noisy = np.round(clean + 255 * std * rng.normal(size=clean.shape)).clip(0, 255)
    return {"paired": {"clean": clean, "noisy": noisy.astype(np.uint8),
                       "configuration": configuration.astype(np.int32)}}


@functools.cache
def _fresh():
    """(method, variables): after the first batch, its Gaussians told apart by hand."""
    method = naflow.make(CONFIG)
    variables = jax.jit(method.init)(jax.random.key(0), _batch())
    params = dict(variables["flow"]["params"])
    shape = params["configurations"]["std"].shape
    params["configurations"] = {
        "mean": jnp.zeros(shape),
        "std": jnp.array([0.5, STD_OF_LOUD])[:, None] * jnp.ones(shape),
    }
    return method, {"flow": {**variables["flow"], "params": params}}


@functools.cache
def _loss(config=CONFIG):
    method = naflow.make(config)

    def loss(params, statistics, batch):
        variables = {"flow": {"params": params, "statistics": statistics}}
        context = base.Context(variables, batch, jax.random.key(1), jnp.int32(1), {})
        return method.loss("flow", params, context)

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def _float(image):
    return jnp.asarray(image / np.float32(255))


def _sample(method, variables, conditions, rows=2, seed=0):
    clean = jnp.full((rows, SIDE, SIDE, 3), 0.5)
    keys = jax.random.split(jax.random.key(seed), rows)
    given = {name: jnp.full(rows, value) for name, value in method.conditions.items()}
    given |= {name: jnp.full(rows, value) for name, value in conditions.items()}
    origin = jnp.zeros((rows, 2), jnp.int32)
    return np.asarray(jax.jit(method.sample)(variables, clean, keys, given, origin))


def test_the_first_batch_has_a_normalised_latent():
    _, variables = _fresh()
    network, pair = naflow._network(CONFIG), _batch()["paired"]
    tree = {name: variables["flow"][name]["network"] for name in ("params", "statistics")}
    z, _ = jax.jit(functools.partial(network.apply, method="encode"))(
        tree, _float(pair["noisy"]), _float(pair["clean"])
    )
    # The last ActNorm saw this batch; the couplings after it begin with one scale for all.
    np.testing.assert_allclose(np.mean(z), 0, atol=0.05)
    assert 0.9 < np.std(z) < 1.4


def _parts(variables):
    return variables["flow"]["params"], variables["flow"]["statistics"]


def test_every_parameter_learns():
    _, variables = _fresh()
    params, statistics = _parts(variables)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: leaf + 0.05 * jnp.asarray(rng.normal(size=leaf.shape), jnp.float32), params
    )
    _, gradients = _loss()(params, statistics, _batch())
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.all(np.isfinite(leaf)) and np.abs(leaf).max() > 0, jax.tree_util.keystr(path)


def test_the_release_counts_16_bits_less_a_pixel():
    _, variables = _fresh()
    (value, outcome), _ = _loss()(*_parts(variables), _batch())
    metrics = outcome.metrics
    np.testing.assert_allclose(value, metrics["nll"])
    np.testing.assert_allclose(metrics["nll"], 3 * metrics["bpd"] - 16, atol=1e-4)


def test_bits_are_those_of_a_discrete_distribution():
    """Of uniform 8-bit values every value costs 8 bits; their dequantised density is 1."""
    image = jnp.zeros((1, 4, 4, 3))
    np.testing.assert_allclose(configurations.bits(jnp.zeros(1), image), 8.0)
    # A density of 256 on cells of 1/256 is certainty.
    certain = configurations.bits(jnp.full(1, 48 * math.log(256)), image)
    np.testing.assert_allclose(certain, 0, atol=1e-5)


def test_a_row_is_judged_by_its_own_configuration_alone():
    _, variables = _fresh()
    batch = _batch()
    swapped = {"paired": batch["paired"] | {
        "configuration": 1 - batch["paired"]["configuration"]}}
    params, statistics = _parts(variables)
    (own, _), _ = _loss()(params, statistics, batch)
    (other, _), _ = _loss()(params, statistics, swapped)
    assert other != own
    _, gradients = _loss()(params, statistics, _batch((0, 0, 0, 0)))
    assert np.abs(gradients["configurations"]["mean"][0]).max() > 0
    assert np.abs(gradients["configurations"]["mean"][1]).max() == 0


@pytest.mark.parametrize("configuration", [-1, 2])
def test_a_configuration_that_is_none_gives_no_number(configuration):
    _, variables = _fresh()
    batch = _batch()
    batch["paired"]["configuration"][0] = configuration
    (value, _), _ = _loss()(*_parts(variables), batch)
    assert np.isnan(value)


def test_a_named_configuration_and_the_temperature_set_the_noise():
    method, variables = _fresh()
    quiet, loud = (_sample(method, variables, {name: 1.0}) for name in NAMES)
    ratio = (loud - 0.5).std() / (quiet - 0.5).std()
    assert 2 < ratio < 4  # deviations of 0.5 and 1.5; the clean image's own noise is in neither
    cold = _sample(method, variables, {NAMES[1]: 1.0, "temperature": 0.25})
    assert (cold - 0.5).std() < 0.5 * (loud - 0.5).std()
    np.testing.assert_allclose(_sample(method, variables, {NAMES[1]: 7.0}), loud, atol=1e-5)
    even = _sample(method, variables, dict.fromkeys(NAMES, 0.5))
    np.testing.assert_allclose(_sample(method, variables, {}), even, atol=1e-5)


def test_a_single_gaussian_is_every_configuration_s():
    config = dataclasses.replace(CONFIG, single_gaussian=True)
    method, (_, variables) = naflow.make(config), _fresh()
    flow, pair = variables["flow"], _batch()["paired"]
    own = jax.eval_shape(method.init, jax.random.key(0), _batch())["flow"]["params"]
    assert own["configurations"]["std"].shape == (1, 48)
    table = {"mean": jnp.zeros((1, 48)), "std": jnp.full((1, 48), STD_OF_LOUD)}
    params = flow["params"] | {"configurations": table}
    single = {"flow": flow | {"params": params}}

    loud = _sample(_fresh()[0], variables, {NAMES[1]: 1.0})
    for conditions in ({NAMES[0]: 1.0}, {NAMES[1]: 1.0}, {}):
        np.testing.assert_allclose(_sample(method, single, conditions), loud, atol=1e-5)
    judged = jax.jit(method.judge)(single, _float(pair["clean"]), _float(pair["noisy"]))
    np.testing.assert_array_equal(judged.bits[:, 0], judged.bits[:, 1])
    (first, _), gradients = _loss(config)(params, flow["statistics"], {"paired": pair})
    swapped = pair | {"configuration": 1 - pair["configuration"]}
    (second, _), _ = _loss(config)(params, flow["statistics"], {"paired": swapped})
    assert first == second
    assert np.abs(gradients["configurations"]["std"]).min() > 0


def _nearly_alike(variables):
    flow = variables["flow"]
    table = flow["params"]["configurations"]
    table = table | {"std": 1 + 0.01 * table["std"]}
    return {"flow": flow | {"params": flow["params"] | {"configurations": table}}}


def test_imitate_weighs_configurations_by_the_example():
    method, variables = _fresh()
    variables = _nearly_alike(variables)
    pair = _batch()["paired"]
    clean, noisy = _float(pair["clean"]), _float(pair["noisy"])
    found = jax.jit(method.imitate)(variables, clean, noisy)
    assert set(found) == set(method.conditions)
    np.testing.assert_allclose(sum(found[name] for name in NAMES), 1, rtol=1e-5)
    alone = jax.jit(method.imitate)(variables, clean[3:4], noisy[3:4])
    np.testing.assert_allclose(alone[NAMES[0]][0], found[NAMES[0]][3], rtol=1e-3)
    paper = naflow.make(dataclasses.replace(CONFIG, sampling="paper"))
    sharp = jax.jit(paper.imitate)(variables, clean, noisy)
    unsure, sure = (np.abs(np.asarray(each[NAMES[0]]) - 0.5) for each in (found, sharp))
    assert np.all(unsure < 0.4) and np.all(sure > unsure)
    with pytest.raises(ValueError, match="needs the clean image too"):
        method.imitate(variables, None, noisy)


def test_the_judgement_is_the_loss_s():
    method, variables = _fresh()
    pair = _batch()["paired"]
    judged = jax.jit(method.judge)(variables, _float(pair["clean"]), _float(pair["noisy"]))
    own = np.take_along_axis(np.asarray(judged.bits), pair["configuration"][:, None], 1)
    (_, outcome), _ = _loss()(*_parts(variables), {"paired": pair})
    np.testing.assert_allclose(own.mean(), outcome.metrics["bpd"], rtol=0.02)  # other draws
    pixels = SIDE * SIDE * 3 * math.log(2)
    differences = -pixels * (judged.bits[:, 0] - judged.bits[:, 1])
    np.testing.assert_allclose(
        judged.log_odds[:, 0] - judged.log_odds[:, 1], differences, rtol=1e-4, atol=0.05)


def test_log_odds_of_a_large_image_keep_what_tells_configurations_apart():
    """At 256x256 the likelihoods are about -3e5, whose float32 steps are 0.03."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1, 32, 32, 192)).astype(np.float32)
    mean = 1e-3 * rng.normal(size=(34, 192))
    std = 1 + 1e-3 * rng.normal(size=(34, 192))
    table = camera_gaussians.Table(*(jnp.asarray(a, jnp.float32) for a in (mean, std)))
    judged = camera_gaussians.judge(jnp.asarray(z), table)
    mean, std = (np.asarray(each, np.float64) for each in table)
    exact = np.array([
        np.sum(-0.5 * (np.log(s**2) + (z - m) ** 2 / s**2 + math.log(2 * math.pi)), dtype=float)
        for m, s in zip(mean, std, strict=True)
    ])
    np.testing.assert_allclose(judged.log_likelihood[0], exact, rtol=1e-6)
    odds = np.asarray(judged.log_odds[0], np.float64)
    np.testing.assert_allclose(odds - odds.mean(), exact - exact.mean(), atol=2e-3)


def test_what_cannot_be_built_or_learnt_from_is_refused():
    for field, value, message in [
        ("configurations", (), "configurations: expected one or more camera configurations"),
        ("configurations", ("a", "a"), "each once"),
        ("levels", 0, "levels: expected 1 or more, got 0"),
        ("width", 6, "width: expected a positive multiple of 4, got 6"),
        ("sampling", "own", "sampling: expected one of .'paper', 'released'., got 'own'"),
        ("condition_std", -1.0, "condition_std: expected 0 or more"),
        ("dtype", "int8", "dtype: expected float32 or bfloat16, got 'int8'"),
    ]:
        with pytest.raises(ValueError, match=message):
            naflow.make(dataclasses.replace(CONFIG, **{field: value}))
    method, variables = _fresh()
    untagged = {"paired": {k: v for k, v in _batch()["paired"].items() if k != "configuration"}}
    with pytest.raises(ValueError, match="pairs tagged with their camera configuration"):
        method.init(jax.random.key(0), untagged)
    odd = jax.tree.map(lambda a: a[:, :14] if a.ndim == 4 else a, _batch())
    with pytest.raises(ValueError, match="height and width by 4s, got 14x16"):
        _loss()(*_parts(variables), odd)

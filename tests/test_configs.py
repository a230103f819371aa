"""Every config with every preset loads and fits its method; ``:tiny`` traces one training step."""

import pathlib
import re

import jax
import numpy as np
import pytest

from senm_jax.training import optimisers, overrides, settings, state, step

CONFIGS = pathlib.Path(__file__).parents[1] / "configs"
FILES = sorted(path for path in CONFIGS.rglob("*.py") if path != CONFIGS / "common.py")


def presets(path):
    """"" and the presets that the config names when it refuses one."""
    with pytest.raises(ValueError) as refusal:
        overrides.load(f"{path}:no_such_preset")
    known = re.search(r"expected one of (.*) or none", str(refusal.value))
    return ["", *known.group(1).split(", ")]


EACH = [
    pytest.param(f"{path}:{preset}" if preset else str(path),
                 id=f"{path.relative_to(CONFIGS)}{preset and ':'}{preset}")
    for path in FILES for preset in presets(path)
]


def batch_of(resolved, scale):
    """``scale``: of pairs, the clean crops' side over the noisy ones'."""
    data, degrader = resolved.data, settings.make_degrader(resolved)
    sides = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}

    def domain(name, rows):
        crops = {side: data.crop * (scale if (name, side) == ("paired", "clean") else 1)
                 for side in sides[name]}
        group = {side: jax.ShapeDtypeStruct((rows, crop, crop, 3), np.uint8)
                 for side, crop in crops.items()}
        if "noisy" in group:
            group["configuration"] = jax.ShapeDtypeStruct((rows,), np.int32)
        if name == "paired" and degrader:
            side = data.crop * degrader.scale
            one = degrader.rows(np.zeros((1, side, side, 3), np.uint8), np.zeros(1, np.uint64))
            return {key: jax.ShapeDtypeStruct((rows, *value.shape[1:]), value.dtype)
                    for key, value in one.items()}
        if name == "paired":
            group["level"] = jax.ShapeDtypeStruct((rows,), np.float32)
        return group

    return {name: domain(name, rows) for name, rows in data.rows.items() if rows}


def test_there_are_configs():
    assert FILES and all("tiny" in presets(path) for path in FILES)


@pytest.mark.parametrize("spec", EACH)
def test_config_is_locked(spec):
    config = overrides.load(spec)
    with pytest.raises(AttributeError, match="locked"):
        config.no_such_setting = 1


@pytest.mark.parametrize("spec", EACH)
def test_config_says_every_setting_of_its_method(spec):
    resolved = settings.resolve(overrides.load(spec))
    method = settings.make_method(resolved)
    assert set(resolved.optimisers) == set(method.players)
    assert method.sample or method.restore


@pytest.mark.parametrize("name", ["senm_vae/polyu.py:cpu", "quickstart/senm_vae.py"])
def test_the_divergence_s_weight_follows_the_noise_of_short_runs(name):
    def told(*changes):
        config = overrides.apply(overrides.load(str(CONFIGS / name)), changes)
        return settings.resolve(config).hyper

    usual = told()
    twice = told(("hyper.level_unit", str(2 * usual["level_unit"])))
    assert twice["kl_weight"] == pytest.approx(4 * usual["kl_weight"])
    both = told(("hyper.level_unit", "0.5"), ("hyper.kl_weight", "0.25"))
    assert (both["level_unit"], both["kl_weight"]) == (0.5, 0.25)


@pytest.mark.parametrize("spec", [each for each in EACH if each.id.endswith(":tiny")])
def test_one_step_traces_on_the_config_s_rows(spec):
    resolved = settings.resolve(overrides.load(spec))
    method = settings.make_method(resolved)
    if not method.players:
        assert resolved.steps == 0
        return
    players = optimisers.make_all(resolved.optimisers, resolved.steps)
    scale = method.restore_reach.scale if method.restore_reach else 1
    batch = batch_of(resolved, scale)
    before = jax.eval_shape(
        lambda batch: state.create(method, players, resolved.seed, batch), batch)
    after, metrics = jax.eval_shape(step.make_step(method, players, resolved.seed), before, batch)
    assert jax.tree.map(lambda a: (a.shape, a.dtype), after) == jax.tree.map(
        lambda a: (a.shape, a.dtype), before)
    for name, value in metrics.items():
        assert value.shape == (), name
    assert {f"{player}/loss" for player in method.players} <= set(metrics)

import json
import pathlib

import pytest
from training import toy

from senm_jax.training import overrides, settings


def resolved(**changes):
    return settings.resolve(toy.config("store", **changes))


def test_a_config_survives_its_json_file():
    asked = resolved(optimisers__painter__halve_at=(3, 5))
    assert settings.resolve(json.loads(json.dumps(settings.plain(asked)))) == asked


def test_whole_numbers_become_floats_where_floats_are_wanted():
    assert isinstance(resolved(optimisers__judge__eps=1).optimisers["judge"].eps, float)


@pytest.mark.parametrize("changes, message", [
    ({"stepz": 3}, r"config\.stepz: no such setting; did you mean 'steps'"),
    ({"data__crpo": 3}, r"config\.data\.crpo: no such setting; did you mean 'crop'"),
    ({"steps": "many"}, r"config\.steps: expected int, got 'many'"),
    ({"steps": 2.5}, r"config\.steps: expected int, got 2\.5"),
    ({"steps": True}, r"config\.steps: expected int, got True"),
    ({"optimisers__judge__halve_at": (1, "b")}, r"optimisers\.judge\.halve_at\[1\]: expected int"),
    ({"optimisers__judge__schedule": "linear"}, r"judge\.schedule: expected one of steps, cosine"),
    ({"optimisers__judge__skip_norm_of": "("}, r"judge\.skip_norm_of: expected a regular"),
    ({"compute__matmul_precision": "best"}, r"matmul_precision: expected one of default, .*'best'"),
    ({"sharding": (("kernel", "model"),)}, r"config\.sharding\[0\]: expected \(path regex, axes"),
    ({"data__rows": {"pairs": 3}}, r"config\.data\.rows: expected domains .* got 'pairs'"),
    ({"data__weights": (1.0, 2.0)}, r"config\.data\.weights: expected one for each of 1 stores"),
    ({"keep": 0}, r"config\.keep: expected 1 or more, got 0"),
    ({"optimisers__judge__skip_not_finite": -1}, r"judge\.skip_not_finite: expected 0 or more"),
    ({"optimisers__judge__warmup": -5}, r"judge\.warmup: expected 0 or more, got -5"),
    ({"optimisers__judge__learning_rate": float("nan")}, r"learning_rate: expected 0 or more"),
    ({"optimisers__judge__b1": 1.0}, r"judge\.b1: expected at least 0 and below 1, got 1\.0"),
    ({"seed": 10**20}, r"config\.seed: expected 0 to"),
    ({"best": "validation/restored_psnr"}, r"config\.best: .* names no store"),
    ({"mesh__data": 0}, r"config\.mesh\.data: expected -1 or 1 or more"),
])
def test_a_bad_setting_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        resolved(**changes)


def test_a_missing_setting_is_named():
    config = toy.config("store")
    del config["optimisers"]["judge"]["decay"]
    with pytest.raises(ValueError, match=r"config\.optimisers\.judge\.decay: missing"):
        settings.resolve(config)


@pytest.mark.parametrize("changes, message", [
    ({"hyper": {"noise": 0.1, "poisson": 1}}, r"hyper\.poisson: no such .* did you mean 'poison'"),
    ({"hyper": {}}, r"config\.hyper\.noise: missing"),
    ({"hyper": {"noise": "loud"}}, r"config\.hyper\.noise: expected float, got 'loud'"),
    ({"hyper": {"noise": 0.1, "shades": (1, "x")}}, r"hyper\.shades\[1\]: expected float"),
    ({"optimisers": {}}, r"one for each player of toy, \['judge', 'painter'\], got \[\]"),
])
def test_a_method_refuses_what_does_not_fit_it(changes, message):
    with pytest.raises(ValueError, match=message):
        settings.make_method(resolved(**changes))


def test_an_unknown_method_is_refused_by_name():
    with pytest.raises(ValueError, match="method: expected one of .* got 'senm'.*'senm_vae'"):
        resolved(method="senm")


def test_hyperparameters_left_out_are_the_method_s_defaults():
    hyper = resolved(hyper={"noise": 0.3}).hyper
    assert hyper == {"noise": 0.3, "poison": 0, "ballast": 1, "shades": (0.5, 0.25)}
    hyper = resolved(method="supervised", hyper={"architecture": {"depth": 4}}).hyper
    assert (hyper["network"], hyper["architecture"], hyper["loss"]) == ("dncnn", {"depth": 4}, "l1")


def test_a_hyperparameter_out_of_range_is_refused_by_its_key():
    config = overrides.load(str(pathlib.Path(__file__).parents[2] / "configs/senm_vae/polyu.py"))
    config.hyper.width = 6
    with pytest.raises(ValueError, match="config.hyper.width: expected a positive multiple of 4"):
        settings.make_method(settings.resolve(config))

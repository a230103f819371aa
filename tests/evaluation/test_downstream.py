import pathlib
import types

import numpy as np
import pytest
from evaluation import worlds
from inference import small

from senm_jax.data import writing
from senm_jax.evaluation import downstream, patches, protocols, restoration
from senm_jax.training import overrides

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return str(worlds.make_store(tmp_path_factory.mktemp("pairs") / "pairs", each=1).path)


@pytest.fixture(scope="module")
def cleans(tmp_path_factory):
    path = tmp_path_factory.mktemp("cleans") / "cleans"
    with writing.Writer(path, patch=(16, 16), about={}) as writer:
        writer.add("source", clean=np.zeros((16, 16, 3), np.uint8), source="black")
    return str(path)


def _plan(name, stores, *changes):
    protocol = protocols.find(name)
    config = overrides.apply(overrides.load(f"{CONFIGS / protocol.config}:tiny"), changes)
    return downstream.plan(protocol, config, stores, pathlib.Path("out"))


def _stores(pairs, real=(), synthetic=("made",), validation=True):
    return downstream.Stores({name: pairs for name in real}, {name: pairs for name in synthetic},
                             {"test": pairs}, pairs if validation else "")


def test_rows_beside_come_first_and_differ_in_their_stores_alone(pairs):
    rows = _plan("senm-vae-sidd-drunet", _stores(pairs, real=("few",)))
    assert [row.name for row in rows] == ["real: few", "real + synthetic: made"]
    assert [row.run for row in rows] == [pathlib.Path("out/runs/real-few"),
                                         pathlib.Path("out/runs/real+synthetic-made")]
    assert [row.settings.data.stores for row in rows] == [(pairs,), (pairs, pairs)]
    assert rows[0].settings.data.validation == pairs
    assert rows[0].settings.optimisers == rows[1].settings.optimisers


def test_each_noise_model_has_a_row_and_the_real_one_is_left_out_without_its_store(pairs):
    rows = _plan("naflow-sidd", _stores(pairs, synthetic=("one", "two")))
    assert [row.name for row in rows] == ["synthetic: one", "synthetic: two"]


def test_several_real_stores_are_mixed_with_the_synthetic_ones_of_their_names(pairs):
    given = _stores(pairs, real=("10", "96"), synthetic=("96", "10"))
    rows = _plan("senm-vae-sidd-drunet", given)
    assert [row.name for row in rows] == ["real: 10", "real: 96", "real + synthetic: 96",
                                          "real + synthetic: 10"]
    with pytest.raises(ValueError, match="expected one of them to have its name, got 10, 96"):
        _plan("senm-vae-sidd-drunet", _stores(pairs, real=("10", "96"), synthetic=("made",)))


def test_weights_are_of_mixed_rows_alone(pairs):
    rows = _plan("senm-vae-sidd-drunet", _stores(pairs, real=("few",)),
                 ("data.weights", "0.25,0.75"))
    assert [row.settings.data.weights for row in rows] == [(), (0.25, 0.75)]
    with pytest.raises(ValueError, match="--config.data.weights: .* synthetic pairs; leave it out"):
        _plan("lud-vae-sidd", _stores(pairs), ("data.weights", "0.25,0.75"))


def test_a_restorer_that_is_tuned_has_a_row_as_it_starts(pairs, tmp_path):
    start = small.dncnn(tmp_path / "released").path
    rows = _plan("senm-vae-sidd-nafnet", _stores(pairs), ("start", str(start)))
    assert [(row.name, row.settings is None) for row in rows] == [
        ("as released: released", True), ("synthetic: made", False)]
    assert [row.name for row in _plan("senm-vae-sidd-nafnet", _stores(pairs))] == [
        "synthetic: made"]


def test_all_rows_are_prepared_before_one_is_trained_and_a_stop_ends_all(pairs, monkeypatch):
    rows, done = _plan("senm-vae-sidd-drunet", _stores(pairs, real=("few",))), []
    monkeypatch.setattr(downstream.tasks, "prepare", lambda settings, run: done.append(run.name))

    def train(settings, run):
        done.append(run.name)
        return types.SimpleNamespace(step=settings.steps - stopped)

    monkeypatch.setattr(downstream.loop, "train", train)
    stopped = 1
    assert not downstream.train(rows)
    assert done == ["real-few", "real+synthetic-made", "real-few"]
    stopped = 0
    assert downstream.train(rows)
    assert done[-2:] == ["real-few", "real+synthetic-made"]


def _result(name, psnr):
    row = {"patches": 1, "restored_psnr_rgb": psnr, "noisy_psnr_rgb": 20.0, "noisy_ssim_2d": 0.5,
           "restored_ssim_2d": 0.9, "noisy_ssim_3d": 0.5, "restored_ssim_3d": 0.9}
    about = {"run": "r", "step": 1, "store": "s", "fingerprint": "f", "seed": 0, "indices": [0],
             "scale": 1}
    return restoration.Result(name, {patches.ALL: row}, [row], ["unknown camera"], [], about)


def test_the_table_has_a_row_for_each_restorer_and_columns_for_each_test(pairs):
    rows = _plan("senm-vae-sidd-drunet", _stores(pairs, real=("few",)),
                 ("data.weights", "0.25,0.75"))
    results = {"val": [_result("a", 30.0), _result("b", 31.0)],
               "dnd": [_result("a", 32.0), _result("b", 33.0)]}
    head, val, dnd = downstream.of_protocol("senm-vae-sidd-drunet", rows, results)
    table = head.tables[0]
    assert table.title == "SeNM-VAE, Table 2" and (val.title, dnd.title) == ("val", "dnd")
    assert [column.key for column in table.columns][:3] == [
        "row", "val/restored_psnr_rgb", "val/restored_ssim_2d"]
    assert len(table.columns) == 7
    assert [(row["row"], row["val/restored_psnr_rgb"], row["dnd/restored_psnr_rgb"])
            for row in table.rows] == [("real: few", 30.0, 32.0),
                                       ("real + synthetic: made", 31.0, 33.0)]
    text = " ".join(head.text)
    assert "mixed 0.25 to 0.75" in text and "LPIPS is left out" in text
    assert "left out: no such store" not in text


def test_what_is_left_out_is_told(pairs):
    rows = _plan("lud-vae-sidd", _stores(pairs))
    head, _ = downstream.of_protocol("lud-vae-sidd", rows, {"val": [_result("a", 30.0)]})
    assert "The row of real is left out: no such store was given." in head.text


@pytest.mark.parametrize(("name", "given", "message"), [
    ("lud-vae-sidd", {"synthetic": ()}, "--synthetic: expected a store of synthetic pairs"),
    ("senm-vae-sidd-drunet", {}, "--real: expected a store of real pairs, .* Table 2 learns"),
    ("senm-vae-aim19", {"real": ("r",)}, "--real: .* learns from synthetic pairs alone; leave it"),
    ("lud-vae-sidd", {"validation": False}, "--validation: .* validation/restored_psnr chooses"),
])
def test_a_store_too_few_or_too_many_is_refused(pairs, name, given, message):
    with pytest.raises(ValueError, match=message):
        _plan(name, _stores(pairs, **given))


def test_a_store_without_pairs_is_refused_by_its_flag(pairs, cleans):
    changes = {"synthetic": {"synthetic": {"made": cleans}}, "validation": {"validation": cleans},
               "test": {"tests": {"t": cleans}}}
    for flag, change in changes.items():
        with pytest.raises(ValueError, match=f"--{flag} .*cleans: expected a store of pairs, but "
                                             "it holds source patches alone"):
            _plan("lud-vae-sidd", _stores(pairs)._replace(**change))


def test_a_test_store_of_another_scale_is_refused_before_any_training(pairs):
    with pytest.raises(ValueError, match="--test test=.*: holds pairs whose clean side is 1 times "
                                         "the noisy one, and the restorer enlarges 4 times"):
        _plan("lud-vae-aim19", _stores(pairs))

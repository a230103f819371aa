import json
import pathlib

import numpy as np
import pytest
from evaluation import worlds

from senm_jax.cli import main
from senm_jax.metrics import lpips
from senm_jax.training import runs

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protocol")
    return {name: worlds.make_store(folder / name, each=1, seed=seed).path
            for seed, name in enumerate(("few", "made", "val", "bench"))}


def _protocol(*words):
    return main.main(["protocol", *map(str, words), "--configs", str(CONFIGS)])


def _words(stores, out, *more):
    return ("senm-vae-sidd-drunet", "--real", stores["few"], "--synthetic", stores["made"],
            "--validation", stores["val"], "--test", f"SIDD={stores['val']}",
            "--test", stores["bench"], "--out", out, "--preset", "tiny", *more)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("lpips") / "lpips.npz"
    np.savez(path, **{name: np.full(shape, 0.01, np.float32)
                      for name, shape in lpips.shapes().items()})
    return path


def test_a_table_from_stores_and_again_without_training(stores, weights, tmp_path, capsys):
    out = tmp_path / "out"
    words = _words(stores, out, "--config.compute.matmul_precision=float32", "--limit", 2)
    assert _protocol(*words) == 0
    printed = capsys.readouterr().out
    assert "| real: few |" in printed and "| real + synthetic: made |" in printed
    assert "SIDD: PSNR, dB" in printed and "bench: SSIM 3-D" in printed
    assert "LPIPS is left out" in (out / "report.md").read_text()
    report = json.loads((out / "report.json").read_text())
    titles = [section["title"] for section in report["sections"]]
    assert titles == ["senm-vae-sidd-drunet (SeNM-VAE, Table 2)", "SIDD", "bench"]
    table = report["sections"][0]["tables"][0]["rows"]
    one = report["sections"][2]["tables"][0]["rows"]
    assert [row["bench/restored_psnr_rgb"] for row in table] == [
        row["restored_psnr_rgb"] for row in one]

    mixed = runs.open(out / "runs" / "real+synthetic-made")
    assert mixed.step == 4 and mixed.config.best == "validation/restored_psnr"
    assert mixed.config.compute.matmul_precision == "float32"
    assert list(mixed.config.data.stores) == [str(stores["few"]), str(stores["made"])]

    trained = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("metadata")}
    assert _protocol(*words, "--lpips", weights) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("metadata")} == trained
    assert "LPIPS is left out" not in (out / "report.md").read_text()
    again = json.loads((out / "report.json").read_text())["sections"][0]["tables"][0]["rows"]
    for before, after in zip(table, again, strict=True):
        assert {key: after[key] for key in before} == before
        assert after["SIDD/restored_lpips"] > 0


@pytest.mark.parametrize(("change", "message"), [
    ({0: "senm-vae-sidd-drune"}, "no such protocol; did you mean 'senm-vae-sidd-drunet'?"),
    ({2: "absent"}, "absent"),
    ({2: "a/b=absent"}, "--real a/b=absent: expected NAME=STORE, the name without a slash"),
], ids=["name", "store", "label"])
def test_a_refusal_is_one_line_and_nothing_is_trained(stores, tmp_path, capsys, change, message):
    words = [change.get(i, word) for i, word in enumerate(_words(stores, tmp_path / "out"))]
    assert _protocol(*words) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and message in error[0]
    assert not (tmp_path / "out").exists()


def test_flags_that_cannot_be_are_refused_before_training(stores, tmp_path, capsys):
    words = _words(stores, tmp_path / "out")
    assert _protocol(*words, "--config.data.stores=x") == 1
    assert "--config.data.stores: stores are named by --real" in capsys.readouterr().err
    assert _protocol(*words, "--limit", 0) == 1
    assert "--limit: expected at least 1, got 0" in capsys.readouterr().err
    assert _protocol(*words, "--test", stores["bench"]) == 1
    assert "a store is called bench already" in capsys.readouterr().err


def test_configs_are_looked_for_where_they_are_said_to_be(stores, tmp_path, capsys):
    status = main.main(["protocol", *map(str, _words(stores, tmp_path / "out")),
                        "--configs", str(tmp_path)])
    assert status == 1
    assert "--configs: expected configs of a checkout, found no file" in capsys.readouterr().err

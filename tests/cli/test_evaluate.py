import json

import pytest
from evaluation import worlds
from inference import small

from senm_jax.cli import main
from senm_jax.training import runs, settings

CONFIG = {
    "method": "white_gaussian",
    "hyper": {"level": 0.05},
    "data": {"stores": (), "weights": (), "rows": {"paired": 0}, "crop": 64, "validation": ""},
    "seed": 0,
    "steps": 0,
    "optimisers": {},
    "log_every": 1,
    "checkpoint_every": 1,
    "validate_every": 1,
    "keep": 1,
    "best": "",
    "compute": {"matmul_precision": "default", "deterministic": False},
    "mesh": {"data": -1, "model": 1},
    "sharding": (),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("cli") / "store", each=1).path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "white"
    runs.create(path, settings.resolve(CONFIG), {})
    return path


def _evaluate(*words):
    return main.main(["evaluate", *(str(word) for word in words)])


def test_noise_models_are_measured_printed_and_reported(store, run, tmp_path, capsys):
    out = tmp_path / "out"
    status = _evaluate("noise", "--run", run, "--run", run, "--store", store, "--out", out,
                       "--limit", 2, "--batch", 1)
    assert status == 0
    printed = capsys.readouterr().out
    assert "| run | patches | AKLD" in printed and str(out / "report.html") in printed
    rows = json.loads((out / "report.json").read_text())["sections"][0]["tables"][0]["rows"]
    assert [row["run"] for row in rows] == [str(run), str(run)]
    speeds = [row.pop("images_per_second") for row in rows]
    assert rows[0] == rows[1] and rows[0]["patches"] == 2 and min(speeds) > 0


def test_restorers_of_synthetic_pairs_have_a_row_each_against_the_real_one(store, tmp_path, capsys):
    real = small.dncnn(tmp_path / "real").path
    made = [small.dncnn(tmp_path / name).path for name in ("one", "two")]
    given = [word for path in made for word in ("--synthetic", path)]
    out = tmp_path / "out"
    assert _evaluate("pgap", "--real", real, *given, "--store", store, "--out", out,
                     "--limit", 1) == 0
    assert "Learnt from real pairs: real." in (out / "report.md").read_text()
    rows = json.loads((out / "report.json").read_text())["sections"][0]["tables"][0]["rows"]
    assert [(row["run"], row["pgap"]) for row in rows] == [("one", 0), ("two", 0)]


def test_contents_are_measured_printed_and_reported(store, tmp_path, capsys):
    run, out = small.lud_vae(tmp_path / "lud").path, tmp_path / "out"
    assert _evaluate("content", "--run", run, "--store", store, "--out", out, "--limit", 1) == 0
    assert "| run | patches | MMD of contents" in capsys.readouterr().out
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("restorer", "--run", "RUN"), "white: is not a restorer"),
        (("restorer", "--run", "RUN", "--lpips", "absent.npz"), "no file 'absent.npz'"),
        (("content", "--run", "RUN"), "white: is not a model of content and degradation"),
        (("noise", "--run", "absent"), "absent: expected a run's folder"),
        (("noise", "--run", "RUN", "--batch", "0"), "--batch: expected at least 1, got 0"),
        (("pgap", "--real", "RUN", "--synthetic", "RUN"), "white: is not a restorer"),
        (("noise", "--run", "RUN", "--configuration", "random"),
         "--configuration: none of the runs tells camera configurations apart"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_cause(store, run, tmp_path, capsys, words, message):
    words = [str(run) if word == "RUN" else word for word in words]
    assert _evaluate(*words, "--store", store, "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert message in error[-1]
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_none_is_refused(run, tmp_path, capsys):
    assert _evaluate("noise", "--run", run, "--store", tmp_path, "--out", tmp_path / "o") == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_where_no_report_can_be_written_nothing_is_measured(run, store, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / "out"
    assert _evaluate("noise", "--run", run, "--store", store, "--out", out) == 1
    error = capsys.readouterr().err
    assert "file is a file" in error and len(error.splitlines()) == 1
    assert _evaluate("degraded", "--clean", store, "--degrade", "jpeg", "--out", tmp_path / "o",
                     "--seed", 2**63) == 1
    assert "--seed: expected 0 to 2**63 - 1" in capsys.readouterr().err

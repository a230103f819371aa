"""``senm-jax restore``: its exit status, what it says, what it writes."""

import json
import pathlib
import re

import numpy as np
import pytest
from inference import small
from PIL import Image

from senm_jax.cli import main
from senm_jax.training import platform


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a small restorer; JAX is left as the tests have it."""
    monkeypatch.setattr(platform, "start", lambda **_: None)
    return str(small.dncnn(tmp_path / "run").path)


def test_restores_and_counts_what_it_left_out(run, tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    Image.fromarray(np.full((9, 11, 3), 80, np.uint8)).save(photos / "a.png")
    command = ["restore", "--run", run, str(photos), "--out", str(out)]
    assert main.main(command) == 0
    assert "1 images restored, 0 were there" in capsys.readouterr().out
    assert Image.open(out / "a.png").size == (11, 9)
    (photos / "b.png").write_text("no image")
    assert main.main(command) == 1
    said = capsys.readouterr()
    assert "0 images restored, 1 were there" in said.out
    assert "left out: " in said.err and "b.png: is no PNG" in said.err
    assert "1 files were left out" in said.err


def test_refusals_are_one_line(run, tmp_path, capsys):
    command = ["restore", "--run", run, str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert main.main(command) == 1
    assert "none: no such file or folder" in capsys.readouterr().err
    assert main.main([*command, "--tile", "0"]) == 1
    assert "--tile: expected at least 1, got 0" in capsys.readouterr().err
    assert main.main(["restore", "--run", str(tmp_path), "x", "--out", "y"]) == 1
    assert "expected a run's folder" in capsys.readouterr().err


@pytest.mark.parametrize("field", ["width", "depth"])  # other shapes, and names that lack
def test_parameters_of_another_network_are_refused_in_one_line(field, run, tmp_path, capsys):
    file = pathlib.Path(run) / "config.json"
    config = json.loads(file.read_text())
    config["hyper"]["architecture"][field] += 1
    file.write_text(json.dumps(config))
    Image.fromarray(np.full((9, 11, 3), 80, np.uint8)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    assert main.main(["restore", "--run", run, str(tmp_path / "a.png"), "--out", str(out)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"senm-jax restore: the run's parameters are not .* run\.json .* \"/", said)
    assert not list(out.glob("*.png"))


def test_a_level_is_for_restorers_that_are_told_it_and_one_folder_holds_one(run, tmp_path, capsys):
    Image.fromarray(np.full((9, 11, 3), 80, np.uint8)).save(tmp_path / "a.png")
    command = ["restore", str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--level"]
    assert main.main([*command, "0.1", "--run", run]) == 1
    assert "its restorer is not told the noise's level" in capsys.readouterr().err
    told = str(small.ffdnet(tmp_path / "told").path)
    assert main.main([*command, "0.1", "--run", told]) == 0
    assert main.main([*command, "0.2", "--run", told]) == 1
    assert "out: holds what another call made" in capsys.readouterr().err
    assert main.main([*command, "0.1", "--run", told]) == 0
    assert "0 images restored, 1 were there" in capsys.readouterr().out

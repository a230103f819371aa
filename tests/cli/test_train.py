import json

import pytest
from training import toy

from senm_jax.cli import main


@pytest.fixture
def config_file(tmp_path, monkeypatch):
    toy.install(monkeypatch)
    fields = toy.config(toy.write_store(tmp_path / "store"), steps=2)
    path = tmp_path / "toy.py"
    path.write_text(
        "from ml_collections import config_dict\n"
        f"def get_config(arg=''):\n    return config_dict.ConfigDict({fields!r})\n")
    return path


def test_train_go_on_and_inspect(config_file, tmp_path, capsys):
    workdir = str(tmp_path / "run")
    words = ["train", "--config", str(config_file), "--workdir", workdir]
    assert main.main([*words, "--config.seed=5"]) == 0
    assert f"{workdir}: step 2 of 2" in capsys.readouterr().out

    assert main.main([*words, "--config.seed=6"]) == 1
    assert "config.seed was 5, is 6" in capsys.readouterr().err

    assert main.main(["train", "--workdir", workdir, "--config.steps=3"]) == 0
    digest = capsys.readouterr().out.split()[-1]

    assert main.main(["inspect", workdir, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["step"], facts["config"]["seed"]) == (3, 5)
    assert facts["digests"]["total"] == digest
    assert main.main(["inspect", workdir]) == 0
    assert digest in capsys.readouterr().out


@pytest.mark.parametrize("words, message", [
    (["--config.stepz=3"], "no such setting; did you mean --config.steps?"),
    (["--config.hyper.nois=3"], "did you mean --config.hyper.noise?"),
    (["--config.data.stores=/nowhere"], "/nowhere"),
])
def test_a_bad_command_is_one_line_and_writes_nothing(
        config_file, tmp_path, capsys, words, message):
    workdir = tmp_path / "run"
    status = main.main(["train", "--config", str(config_file), "--workdir", str(workdir), *words])
    error = capsys.readouterr().err
    assert status == 1 and message in error and len(error.splitlines()) == 1
    assert not workdir.exists()


def test_a_folder_without_a_run_needs_a_config(tmp_path, capsys):
    assert main.main(["train", "--workdir", str(tmp_path)]) == 1
    assert "holds no run to go on with; name a config" in capsys.readouterr().err

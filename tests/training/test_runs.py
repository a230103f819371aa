import numpy as np
import pytest
from training import disks, toy

from senm_jax.training import runs, saving, settings, summary


VARIABLES = {
    "painter": {"params": {"colour": {"kernel": np.eye(3, dtype=np.float32),
                                      "offset": np.ones(3, np.float32)}},
                "statistics": {"mean": np.zeros(3, np.float32)}},
    "judge": {"params": {"guess": np.zeros(3, np.float32)}, "statistics": {}},
}


def made(path):
    return runs.create(path, settings.resolve(toy.config("store")), VARIABLES, data="f" * 64)


def test_a_run_made_of_variables_opens_as_they_were(tmp_path):
    made(tmp_path / "run")
    run = runs.open(tmp_path / "run")
    assert run.step == 0 and run.data == "f" * 64
    assert runs.digest(run.variables) == runs.digest(VARIABLES)
    assert runs.counts(run.variables) == {"painter": 12, "judge": 3}
    with pytest.raises(ValueError, match="expected a new folder"):
        made(tmp_path / "run")


def test_a_run_whose_making_was_broken_off_is_none(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise KeyboardInterrupt

    for broken_off in ((saving.Writer, "save"), (runs, "write_about")):
        with monkeypatch.context() as patch:
            patch.setattr(*broken_off, broken)
            with pytest.raises(KeyboardInterrupt):
                made(tmp_path / "run")
        with pytest.raises(ValueError, match="config.json"):
            runs.open(tmp_path / "run")
    with pytest.raises(ValueError, match="holds checkpoints without a config.json, .* remove it"):
        made(tmp_path / "run")


def test_variables_of_another_method_make_no_run(tmp_path):
    only = {"judge": VARIABLES["judge"]}
    with pytest.raises(ValueError, match=r"expected variables of \['judge', 'painter'\]"):
        runs.create(tmp_path / "run", settings.resolve(toy.config("store")), only)
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_is_refused_with_the_folder_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}: expected a run's folder"):
        runs.open(tmp_path)
    made(tmp_path / "run")
    with pytest.raises(ValueError, match=r"no checkpoint of step 7; there are \[0\]"):
        runs.open(tmp_path / "run", step=7)
    (tmp_path / "run" / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json: expected JSON"):
        runs.open(tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match="config.json: expected a JSON object .* got list"):
        runs.open(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text('{"data": "f", "starts": []}')
    with pytest.raises(ValueError, match="run.json: expected the data's fingerprint and one"):
        runs.read_about(tmp_path / "run")


def test_without_room_the_file_is_named_and_the_one_before_it_stays(tmp_path):
    made(tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    with disks.full(3), pytest.raises(OSError, match="run.json"):
        runs.write_about(tmp_path, settings.resolve(toy.config("store")), "f" * 64)
    assert (tmp_path / "run.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "config.json", "checkpoints"}


def test_a_summary_names_players_checkpoints_and_digests(tmp_path):
    made(tmp_path / "run")
    facts = summary.describe(tmp_path / "run")
    assert facts["parameters"] == {"painter": 12, "judge": 3}
    assert facts["digests"] == runs.digests(VARIABLES)
    assert [entry["step"] for entry in facts["checkpoints"]] == [0]
    text = summary.text(facts)
    for words in ("step         0 of 6", "painter", "whole", "f" * 16,
                  facts["digests"]["total"]):
        assert words in text


def test_a_run_without_a_whole_checkpoint_is_still_described(tmp_path):
    made(tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "0" / "meta" / "metadata").unlink()
    facts = summary.describe(tmp_path / "run")
    assert facts["step"] is None and "damaged" in facts["checkpoints"][0]["fault"]
    assert "none saved of 6" in summary.text(facts)
    with pytest.raises(ValueError, match="0: damaged or incomplete"):
        summary.describe(tmp_path / "run", step=0)

"""Which checkpoints are kept, and what becomes of those that cannot be written."""

import contextlib
import time

import jax
import numpy as np
import pytest
from training import disks, saves, toy

from senm_jax.training import checkpoints, loop, pictures, records, runs, saving


@pytest.fixture(scope="module")
def begin():
    return saves.begin()


def fails(writer, begin, step):
    """Whether the save of a step on a full disk is found to have failed, without waiting for it."""
    assert not writer.lost(wait=True)
    with disks.full():
        writer.save(saves.at(begin, step), saves.ABOUT, {})
        until = time.monotonic() + 60
        while not (lost := writer.lost()) and time.monotonic() < until:
            time.sleep(0.01)
    return lost


def test_the_best_stays_the_best_of_a_run_that_went_on(tmp_path, begin):
    folder, best = tmp_path / "c", "validation/psnr"
    saves.save(folder, begin, {1: 9.0, 2: 5.0}, keep=1, best=best)
    saves.save(folder, begin, {3: 5.0, 4: 5.0}, keep=1, best=best)
    assert checkpoints.steps(folder) == [1, 4]
    saves.save(folder, begin, {5: 10.0, 6: 5.0}, keep=1, best=best)
    assert checkpoints.steps(folder) == [5, 6]


def test_a_save_that_fails_is_made_again(tmp_path, begin, caplog):
    with saving.Writer(tmp_path / "c", keep=9, best="") as writer:
        writer.save(saves.at(begin, 2), saves.ABOUT, {})
        assert fails(writer, begin, 4)
        assert "could not be written" in caplog.text and "tried again" in caplog.text
        writer.save(saves.at(begin, 4), saves.ABOUT, {})
    assert checkpoints.steps(tmp_path / "c") == [2, 4]
    parts, _ = checkpoints.read(tmp_path / "c", 4)
    expected = saves.at(begin, 4).statistics
    jax.tree.map(np.testing.assert_array_equal, parts["statistics"], expected)


def test_two_saves_in_a_row_that_fail_are_an_error(tmp_path, begin):
    with saving.Writer(tmp_path / "c", keep=9, best="") as writer:
        writer.save(saves.at(begin, 2), saves.ABOUT, {})
        assert fails(writer, begin, 4)
        with pytest.raises(OSError, match="could not be written: .*; the last good one is kept"):
            fails(writer, begin, 5)
    assert checkpoints.steps(tmp_path / "c") == [2]


def test_a_last_save_that_fails_is_an_error_and_hides_no_other(tmp_path, begin):
    with pytest.raises(OSError, match="c: a checkpoint could not be written"):
        with disks.full(), saving.Writer(tmp_path / "c", keep=9, best="") as writer:
            writer.save(saves.at(begin, 2), saves.ABOUT, {})
    with pytest.raises(ValueError, match="what was wrong"):
        with disks.full(), saving.Writer(tmp_path / "c", keep=9, best="") as writer:
            writer.save(saves.at(begin, 2), saves.ABOUT, {})
            raise ValueError("what was wrong")
    assert checkpoints.steps(tmp_path / "c") == []


@pytest.mark.parametrize("failing", [2, 6])
def test_a_run_saves_again_what_was_lost(store, tmp_path, monkeypatch, failing):
    config = toy.config(store, log_every=1, checkpoint_every=2)
    whole = loop.train(config, tmp_path / "whole")
    save, failures = saving.Writer.save, [disks.full]

    def on_a_full_disk_once(self, state, about, validation):
        if int(state.step) != failing or not failures:
            return save(self, state, about, validation)
        self.lost(wait=True)  # the save before has room
        with failures.pop()():
            save(self, state, about, validation)
            time.sleep(1)

    monkeypatch.setattr(saving.Writer, "save", on_a_full_disk_once)
    run = loop.train(config, tmp_path / "run")
    assert not failures
    assert runs.digests(run.variables) == runs.digests(whole.variables)
    assert len(records.read(tmp_path / "run" / "metrics" / "metrics.csv")) == 6
    assert checkpoints.steps(tmp_path / "run" / "checkpoints") == [4, 6]


def test_a_run_goes_on_without_room_for_rows_and_previews(store, tmp_path, monkeypatch, caplog):
    row, write = records.Recorder.row, pictures.write

    def row_on_a_full_disk(self, step, figures):
        with disks.full(10) if step in (2, 3) else contextlib.nullcontext():
            row(self, step, figures)

    def write_on_a_full_disk(path, images, residuals):
        with disks.full(10):
            write(path, images, residuals)

    monkeypatch.setattr(records.Recorder, "row", row_on_a_full_disk)
    monkeypatch.setattr(pictures, "write", write_on_a_full_disk)
    config = toy.config(store, checkpoint_every=6, data__validation=str(store))
    run = loop.train(config, tmp_path)
    assert (run.step, checkpoints.steps(tmp_path / "checkpoints")) == (6, [6])
    rows = records.read(tmp_path / "metrics" / "metrics.csv")
    assert [each["step"] for each in rows] == [1, 2, 3, 4, 5, 6]
    assert list((tmp_path / "previews").iterdir()) == []
    assert caplog.text.count("cannot be written") == 2  # the rows and the events
    for number in (4, 6):
        assert f"previews/{number:08d}.png'; the run goes on without this preview" in caplog.text

import dataclasses
import logging
import os
import signal

import numpy as np
import pytest
from training import toy

from senm_jax.training import checkpoints, ledger, loop, records, runs


def whole_digest(run):
    parts, _ = checkpoints.read(run.path / "checkpoints", run.step, checkpoints.PARTS)
    return runs.digest(parts)


def training_rows(workdir):
    """Rows of the record without what depends on the clock."""
    return [{name: value for name, value in row.items() if not name.startswith("time/")}
            for row in records.read(workdir / "metrics" / "metrics.csv")]


@pytest.fixture(scope="module")
def uninterrupted(store, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        workdir = tmp_path_factory.mktemp("whole")
        return loop.train(toy.config(store, log_every=4), workdir)


def test_a_run_ends_at_its_last_step_with_everything_written(uninterrupted):
    run = uninterrupted
    assert run.step == 6 and runs.open(run.path).step == 6
    assert checkpoints.steps(run.path / "checkpoints") == [4, 6]
    assert [row["step"] for row in training_rows(run.path)] == [4, 6]
    names = {path.name for path in run.path.iterdir()}
    assert {"config.json", "run.json", "checkpoints", "metrics"} <= names


def test_stopping_by_signal_and_going_on_changes_no_bit(
        uninterrupted, store, tmp_path, monkeypatch, caplog):
    enter = ledger.Ledger.enter

    def stop_in_step_3(self, step, metrics):
        if step == 3 and not (tmp_path / "checkpoints" / "3").exists():
            os.kill(os.getpid(), signal.SIGTERM)
        enter(self, step, metrics)

    monkeypatch.setattr(ledger.Ledger, "enter", stop_in_step_3)
    config = toy.config(store, log_every=4)
    with caplog.at_level(logging.INFO):
        assert loop.train(config, tmp_path).step == 3
    assert f"stopped after step 3 of 6; to go on: senm-jax train --workdir {tmp_path}" \
        in caplog.text
    run = loop.train(config, tmp_path)
    assert whole_digest(run) == whole_digest(uninterrupted)
    assert training_rows(tmp_path) == training_rows(uninterrupted.path)


def test_four_steps_are_two_and_two(store, tmp_path):
    four = loop.train(toy.config(store, steps=4, checkpoint_every=3), tmp_path / "four")
    assert checkpoints.steps(tmp_path / "four" / "checkpoints") == [3, 4]  # the last one always
    assert loop.train(toy.config(store, steps=2, checkpoint_every=3), tmp_path / "two").step == 2
    two_and_two = loop.train(toy.config(store, steps=4), tmp_path / "two")
    assert whole_digest(two_and_two) == whole_digest(four)
    assert training_rows(tmp_path / "two") == training_rows(tmp_path / "four")


def test_a_damaged_newest_checkpoint_costs_its_steps_and_no_more(
        uninterrupted, store, tmp_path, caplog):
    loop.train(toy.config(store, log_every=4, steps=4), tmp_path)
    meta = tmp_path / "checkpoints" / "4" / "meta" / "metadata"
    meta.write_text(meta.read_text().replace('"params": "', '"params": "0'))
    run = loop.train(toy.config(store, log_every=4), tmp_path)
    assert "going back to step 2" in caplog.text and "4: damaged" in caplog.text
    assert whole_digest(run) == whole_digest(uninterrupted)
    assert training_rows(tmp_path) == training_rows(uninterrupted.path)


def test_nan_stops_with_step_player_and_term_and_keeps_the_last_good(store, tmp_path):
    config = toy.config(store, hyper__poison=5)
    with pytest.raises(ValueError, match="step 5: painter's fit is nan; .* is kept"):
        loop.train(config, tmp_path)
    assert checkpoints.steps(tmp_path / "checkpoints") == [2, 4]
    assert all(np.isfinite(list(row.values())).all() for row in training_rows(tmp_path))


def test_nan_is_skipped_and_counted_where_it_may_be(store, tmp_path):
    config = toy.config(store, hyper__poison=3, optimisers__painter__skip_not_finite=1)
    run = loop.train(config, tmp_path)
    rows = training_rows(tmp_path)
    assert run.step == 6 and [row["painter/skipped"] for row in rows] == [0, 0, 1, 1, 1, 1]
    assert np.isnan(rows[2]["painter/fit"]) and np.isfinite(rows[3]["painter/fit"])


def test_nan_in_a_step_that_is_saved_is_not_saved(store, tmp_path):
    with pytest.raises(ValueError, match="step 4: painter's fit is nan"):
        loop.train(toy.config(store, hyper__poison=4), tmp_path)
    assert checkpoints.steps(tmp_path / "checkpoints") == [2]


@pytest.mark.parametrize("changes, message", [
    ({"seed": 4}, "another config: config.seed was 3, is 4"),
    ({"hyper__noise": 0.5}, "another config: config.hyper.noise was 0.05, is 0.5"),
    ({"data__stores": "other"}, "hold other data than the run began with"),
    ({"data__stores": "gone"}, "config.data.stores: .*gone"),
    ({"data__validation": "gone"}, "config.data.validation: .*gone"),
    ({"data__crop": 12}, "config.data.crop: expected a multiple of 8, .* got 12"),
    ({"data__stores": ()}, "config.data.stores: expected the path"),
    ({"data__rows": {"paired": 4, "target": 1}}, "no store has target"),
    ({"best": "validation/beauty", "data__validation": "same"}, "'validation/beauty' is not me"),
])
def test_what_does_not_belong_to_the_run_is_refused_at_once(
        uninterrupted, store, tmp_path, monkeypatch, changes, message):
    for name in ("data__stores", "data__validation"):
        if changes.get(name) == "other":
            other = toy.write_store(tmp_path / "other", seed=9)
            changes = {name: (str(other),)}
        elif changes.get(name) == "gone":
            gone = str(tmp_path / "gone")
            changes = {name: (gone,) if name == "data__stores" else gone}
        elif changes.get(name) == "same":
            changes = {**changes, name: str(store)}
    monkeypatch.setattr(loop, "_compile", lambda task: pytest.fail("compiled"))
    with pytest.raises(ValueError, match=message):
        loop.train(toy.config(store, steps=8, log_every=4, **changes), uninterrupted.path)


def test_fewer_steps_than_a_run_has_gone_are_refused_and_change_nothing(uninterrupted):
    before = (uninterrupted.path / "config.json").read_bytes()
    with pytest.raises(ValueError, match="config.steps: expected 6 or more, so far .* got 4"):
        loop.train(dataclasses.replace(uninterrupted.config, steps=4), uninterrupted.path)
    assert (uninterrupted.path / "config.json").read_bytes() == before


def test_validation_is_recorded_and_pictured_and_its_best_is_opened(store, tmp_path):
    config = toy.config(store, steps=5, validate_every=1, keep=1, data__validation=str(store),
                        best="-validation/restored_psnr")
    run = loop.train(config, tmp_path)
    rows = training_rows(tmp_path)
    psnr = {int(row["step"]): row["validation/restored_psnr"] for row in rows}
    worst = min(psnr, key=psnr.get)
    assert run.step == 5 and runs.open(tmp_path).step == worst
    assert checkpoints.steps(tmp_path / "checkpoints") == sorted({worst, 5})
    assert sorted(p.name for p in (tmp_path / "previews").iterdir()) == [
        f"{n:08d}.png" for n in range(1, 6)]


def test_a_method_without_players_gives_a_run_at_once(tmp_path, monkeypatch):
    base_make = toy.make

    def idle(config):
        return base_make(config)._replace(players=(), init=lambda key, batch: {})

    monkeypatch.setattr(toy, "make", idle)
    config = toy.config("nowhere", data__stores=(), steps=0, optimisers={},
                        data__rows={"paired": 0})
    run = loop.train(config, tmp_path)
    assert (run.step, run.variables, run.data) == (0, {}, "")
    assert runs.open(tmp_path).method.sample is not None
    config["steps"] = 10
    with pytest.raises(ValueError, match="config.steps: expected 0, toy learns nothing, got 10"):
        loop.train(config, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_folder_in_use_is_refused(store, tmp_path):
    with runs.held(tmp_path):
        with pytest.raises(ValueError, match="another process is training in this folder"):
            loop.train(toy.config(store), tmp_path)


def test_pairs_made_of_clean_patches_train_to_the_same_bits_after_a_stop(
        store, tmp_path):
    made = "awgn,sigma_255=10:30"
    asked = toy.config(store, data__degradation=made, steps=4)
    whole = loop.train(asked, tmp_path / "whole")
    assert whole.config.data.degradation == made
    loop.train(toy.config(store, data__degradation=made, steps=2), tmp_path / "parts")
    parts = loop.train(asked, tmp_path / "parts")
    assert whole_digest(parts) == whole_digest(whole)
    with pytest.raises(ValueError, match="config.data.degradation was 'awgn,.*', is ''"):
        loop.train(toy.config(store, steps=6), tmp_path / "whole")


@pytest.mark.parametrize(("made", "message"), [
    ("fog", "config.data.degradation: fog: expected one of awgn, .*, got 'fog'"),
    ("awgn,sigma=3", "config.data.degradation: awgn.sigma: awgn has .* sigma_255"),
])
def test_an_unknown_degradation_is_refused(store, tmp_path, made, message):
    with pytest.raises(ValueError, match=message):
        loop.train(toy.config(store, data__degradation=made), tmp_path / "run")

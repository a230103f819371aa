"""Runs as processes of their own: killed in a step, killed in a save, and on two devices."""

import signal
import subprocess
import sys
import time

import numpy as np
from training import toy

from senm_jax.training import checkpoints, loop, records, runs, summary

BALLAST = 2_000_000  # numbers; a save takes long enough to be killed in
STEPS = 40


def start(store, workdir, **changes):
    words = [f"{name}={value}" for name, value in changes.items()]
    return subprocess.Popen([sys.executable, toy.__file__, str(store), str(workdir), *words],
                            stderr=subprocess.PIPE, text=True)


def kill_when(process, ready, seconds=120):
    """Kills the process with SIGKILL as soon as ``ready()``; returns whether it was in time."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        if ready():
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.002)
    assert process.poll() == 0, process.communicate()[1]
    return False


def whole_digest(workdir):
    parts, meta = checkpoints.read(workdir / "checkpoints", STEPS, checkpoints.PARTS)
    return runs.digest(parts)


def test_kill_9_in_a_step_and_in_a_save_changes_no_bit(store, tmp_path, monkeypatch):
    changes = {"hyper__ballast": BALLAST, "steps": STEPS, "checkpoint_every": 8}
    toy.install(monkeypatch)
    loop.train(toy.config(store, **changes), tmp_path / "whole")
    whole = summary.survey(tmp_path / "whole" / "checkpoints")
    assert [entry.fault for entry in whole] == [None, None]  # donated while they were written

    workdir = tmp_path / "killed"
    saved = workdir / "checkpoints"
    assert kill_when(start(store, workdir, **changes), lambda: checkpoints.steps(saved))
    reached = checkpoints.steps(saved)[-1]
    assert reached < STEPS

    def saving():
        return any("tmp" in path.name and int(path.name.split(".")[0]) > reached
                   for path in saved.iterdir())

    assert kill_when(start(store, workdir, **changes), saving)
    assert checkpoints.steps(saved)[-1] < STEPS
    assert any("tmp" in path.name for path in saved.iterdir()), "killed before or after the save"

    run = loop.train(toy.config(store, **changes), workdir)
    assert run.step == STEPS
    assert whole_digest(workdir) == whole_digest(tmp_path / "whole")
    steps = [row["step"] for row in records.read(workdir / "metrics" / "metrics.csv")]
    assert steps == list(range(1, STEPS + 1))


def test_two_devices_learn_what_one_learns(store, tmp_path, monkeypatch):
    process = start(store, tmp_path / "two", mesh__data=2, steps=3)
    assert process.communicate(timeout=120)[1] and process.returncode == 0
    toy.install(monkeypatch)
    loop.train(toy.config(store, steps=3), tmp_path / "one")
    one, two = (records.read(tmp_path / name / "metrics" / "metrics.csv")
                for name in ("one", "two"))
    names = [name for name in one[0] if not name.startswith("time/")]
    for name in names:
        np.testing.assert_allclose([row[name] for row in two], [row[name] for row in one],
                                   rtol=1e-5, err_msg=name)
    assert runs.read_about(tmp_path / "two")["starts"][0]["devices"] == 2

import struct
import subprocess
import sys

import pytest
from tensorboardX import record_writer
from tensorboardX.proto import event_pb2
from training import disks

from senm_jax.training import records


def write(folder, columns, start, rows):
    with records.Recorder(folder, columns, start) as recorder:
        for step, figures in rows:
            recorder.row(step, figures)


def events(folder):
    """(step, name, value) of each figure that TensorBoard would read."""
    found = []
    for path in folder.glob("events.*"):
        data, again = path.read_bytes(), record_writer.RecordWriter(str(folder / "again"))
        at = 0
        while at < len(data):
            length, = struct.unpack_from("<Q", data, at)
            again.write(data[at + 12 : at + 12 + length])
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            found += [(event.step, each.tag, each.simple_value) for each in event.summary.value]
            at += 16 + length
        again.close()
        assert (folder / "again").read_bytes() == data
    return found


def test_rows_go_on_where_the_run_goes_on(tmp_path):
    rows = [(1, {"a/loss": 0.5}), (2, {"a/loss": 0.25}), (3, {"a/loss": 9.0})]
    write(tmp_path, ["a/loss"], 0, rows)
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text() + "4,0.12")  # killed while writing
    write(tmp_path, ["a/loss"], 2, [(3, {"a/loss": 0.125})])
    assert records.read(path) == [{"step": 1, "a/loss": 0.5}, {"step": 2, "a/loss": 0.25},
                                  {"step": 3, "a/loss": 0.125}]


def test_columns_may_come_and_go(tmp_path):
    write(tmp_path, ["a/loss", "old"], 0, [(1, {"a/loss": 1.0, "old": 2.0})])
    write(tmp_path, ["a/loss", "new"], 1, [(2, {"a/loss": 3.0, "new": 4.0})])
    assert records.read(tmp_path / "metrics.csv") == [
        {"step": 1, "a/loss": 1.0, "old": 2.0}, {"step": 2, "a/loss": 3, "new": 4}]


def test_a_figure_without_a_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="surprise"):
        write(tmp_path, ["a/loss"], 0, [(1, {"surprise": 1.0})])


def test_half_a_line_is_no_row(tmp_path):
    write(tmp_path, ["a/loss"], 0, [(1, {"a/loss": 0.5})])
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text() + "2,0.12")  # of 0.125
    assert records.read(path) == [{"step": 1, "a/loss": 0.5}]
    write(tmp_path, ["a/loss"], 2, [(3, {"a/loss": 0.25})])
    assert records.read(path) == [{"step": 1, "a/loss": 0.5}, {"step": 3, "a/loss": 0.25}]


def test_events_behind_the_step_gone_back_to_are_dropped(tmp_path):
    write(tmp_path, ["a"], 4, [])
    path, = tmp_path.glob("events.*")
    start = event_pb2.Event(step=5, session_log=event_pb2.SessionLog(status=1)).SerializeToString()
    assert start in path.read_bytes()  # TensorBoard drops what it has from this step on


def test_events_are_those_of_the_rows(tmp_path):
    write(tmp_path, ["a/loss", "b"], 4, [(5, {"a/loss": 0.5, "b": 2.0}), (6, {"a/loss": 0.25})])
    assert events(tmp_path) == [(5, "a/loss", 0.5), (5, "b", 2.0), (6, "a/loss", 0.25)]


def test_rows_without_room_are_written_with_a_later_one(tmp_path, caplog):
    path = tmp_path / "metrics.csv"
    with records.Recorder(tmp_path, ["a/loss"], 0) as recorder:
        recorder.row(1, {"a/loss": 0.5})
        before = path.read_bytes()
        with disks.full(len(before) + 3):
            recorder.row(2, {"a/loss": 0.25})
            recorder.row(3, {"a/loss": 0.125})
            assert path.read_bytes() == before
        assert caplog.text.count(f"{path}: what is behind step 1 cannot be written ([Errno") == 1
        recorder.row(4, {"a/loss": 0.0625})
    expected = [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)]
    assert [tuple(row.values()) for row in records.read(path)] == expected
    assert events(tmp_path) == [(step, "a/loss", value) for step, value in expected]


def test_rows_without_room_at_the_end_are_told_and_a_run_can_go_on(tmp_path, caplog):
    path = tmp_path / "metrics.csv"
    with disks.full(20):
        write(tmp_path, ["a/loss"], 0, [(1, {"a/loss": 0.5}), (2, {"a/loss": 0.25})])
    assert f"{path}: ends with step 1, what is behind it could not be written" in caplog.text
    write(tmp_path, ["a/loss"], 2, [(3, {"a/loss": 0.125})])
    assert records.read(path) == [{"step": 1, "a/loss": 0.5}, {"step": 3, "a/loss": 0.125}]


MANY = """
import resource, sys
from senm_jax.training import records

names = [f"a/{i}" for i in range(400)]
with records.Recorder(sys.argv[1], names, 0) as recorder:
    for step in (1, 2, 3):
        most = 7000 if step < 3 else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        recorder.row(step, dict.fromkeys(names, 0.5))
"""


def test_many_figures_without_room_do_not_hang(tmp_path):
    subprocess.run([sys.executable, "-c", MANY, str(tmp_path)], check=True, timeout=60)
    assert len(events(tmp_path)) == 3 * 400


def test_a_recorder_that_cannot_begin_names_its_file(tmp_path):
    with disks.full(3), pytest.raises(OSError, match="metrics.csv"):
        write(tmp_path, ["a/loss"], 0, [])

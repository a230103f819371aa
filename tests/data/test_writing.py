"""A store appears whole or not at all, and one that was interrupted goes on as if it were not."""

import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from senm_jax.data import layout, shards, store, writing

PATCH = (40, 56)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"domain": "other"}, "no domain 'other'"),
        ({"domain": "paired", "clean": np.zeros((4, 4, 3), np.uint8)}, "a paired patch has"),
        ({"domain": "source", "noisy": np.zeros((4, 4, 3), np.uint8)}, "a source patch has"),
        ({"domain": "source", "clean": np.zeros((4, 5, 3), np.uint8)}, "expected uint8 .4, 4, 3"),
        (
            {"domain": "source", "clean": np.zeros((4, 4, 3), np.uint8), "level": float("nan")},
            "expected a noise level",
        ),
    ],
)
def test_wrong_patches_are_refused_and_nothing_is_left_whole(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        with writing.Writer(tmp_path / "s", patch=(4, 4), about={}) as writer:
            writer.add(source="x.png", **arguments)
    assert not (tmp_path / "s").exists()


def test_an_empty_store_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="without any patch"):
        with writing.Writer(tmp_path / "s", patch=(4, 4), about={}):
            pass
    assert not (tmp_path / "s").exists()


def test_an_existing_path_is_refused(small_store):
    with pytest.raises(ValueError, match="small: exists; remove it"):
        writing.Writer(small_store.path, patch=PATCH, about={})


def interrupt(path: pathlib.Path, fill, count: int, about: dict) -> None:
    with pytest.raises(KeyboardInterrupt):
        with writing.Writer(path, patch=PATCH, about=about) as writer:
            fill(writer, count)
            raise KeyboardInterrupt


def test_an_exception_leaves_nothing_that_reads_as_whole(tmp_path, fill):
    interrupt(tmp_path / "s", fill, 3, {})
    for path in (tmp_path / "s", tmp_path / "s.partial"):
        with pytest.raises(ValueError, match="was not finished; run the command"):
            store.Store.open(path)
    with writing.Writer(tmp_path / "s", patch=PATCH, about={}) as writer:
        assert writer.done == {}
        fill(writer, 2)
    assert len(store.Store.open(tmp_path / "s")) == 6
    assert [child.name for child in tmp_path.iterdir()] == ["s"]


def test_resuming_equals_no_interruption(tmp_path, fill, small_store, monkeypatch):
    monkeypatch.setattr(shards, "BYTES", 2 * PATCH[0] * PATCH[1] * 3)
    interrupt(tmp_path / "s", fill, 3, {"seed": 1})
    for shard in (tmp_path / "s.partial").glob("*.0001.npy"):
        shard.write_bytes(shard.read_bytes() + bytes(9000))  # killed before the journal knew
    with writing.Writer(tmp_path / "s", patch=PATCH, about={"seed": 1}, resume=True) as writer:
        fill(writer, 1, first=3)
        assert writer.done == {"paired": 4, "source": 4, "target": 4}
        assert writer.records("source")[3]["source"] == "source 3.png"
        fill(writer, 2, first=4)
    resumed = store.Store.open(tmp_path / "s")
    resumed.verify()
    assert resumed.fingerprint == small_store.fingerprint
    for shard in resumed.path.glob("*.npy"):
        assert shard.stat().st_size == 128 + 2 * PATCH[0] * PATCH[1] * 3


def test_resuming_with_other_settings_starts_again(tmp_path, fill):
    interrupt(tmp_path / "s", fill, 4, {"seed": 1})
    with writing.Writer(tmp_path / "s", patch=PATCH, about={"seed": 2}, resume=True) as writer:
        assert writer.done == {}
        fill(writer, 1)


def test_resuming_when_pixels_were_lost_starts_again(tmp_path, fill):
    interrupt(tmp_path / "s", fill, 4, {})
    shard = tmp_path / "s.partial" / "paired.noisy.0000.npy"
    shard.write_bytes(shard.read_bytes()[:-1])
    with writing.Writer(tmp_path / "s", patch=PATCH, about={}, resume=True) as writer:
        assert writer.done == {}
        fill(writer, 1)


def test_files_of_others_are_never_removed(tmp_path):
    (tmp_path / "s.partial").mkdir()
    (tmp_path / "s.partial" / "thesis.tex").write_text("precious")
    with pytest.raises(ValueError, match="thesis.tex: no file of an unfinished store"):
        writing.Writer(tmp_path / "s", patch=PATCH, about={})
    assert (tmp_path / "s.partial" / "thesis.tex").read_text() == "precious"


def test_one_process_writes_a_store_at_a_time(tmp_path, fill):
    with writing.Writer(tmp_path / "s", patch=PATCH, about={}) as writer:
        fill(writer, 1)
        for resume in (False, True):
            with pytest.raises(ValueError, match="s: another process is writing it"):
                writing.Writer(tmp_path / "s", patch=PATCH, about={}, resume=resume)
        fill(writer, 1, first=1)
    store.Store.open(tmp_path / "s").verify()
    assert sorted(child.name for child in (tmp_path / "s").iterdir() if child.name[0] == ".") == []


def test_a_link_to_nothing_is_something_that_exists(tmp_path):
    (tmp_path / "s").symlink_to(tmp_path / "gone")
    with pytest.raises(ValueError, match="s: exists; remove it"):
        writing.Writer(tmp_path / "s", patch=PATCH, about={})


FULL = """
import resource, sys
import numpy as np
from senm_jax.data import writing

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    with writing.Writer(sys.argv[1], patch=(40, 56), about={}) as writer:
        for i in range(100):
            image = np.zeros((40, 56, 3), np.uint8)
            writer.add("paired", clean=image, noisy=image, source=f"{i}.png")
except OSError as error:
    print(error)
"""


def test_a_full_disk_is_told_by_the_folder_and_nothing_else(tmp_path):
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "s")], text=True,
                         capture_output=True, check=True)
    assert f"{tmp_path}/s.partial" in ran.stdout and not ran.stderr
    assert not (tmp_path / "s").exists()


KILLED = """
import sys
import numpy as np
from senm_jax.data import writing

with writing.Writer(sys.argv[1], patch=(40, 56), about={}) as writer:
    for i in range(10**6):
        image = np.random.default_rng(i).integers(0, 256, (40, 56, 3), np.uint8)
        writer.add("source", clean=image, source=f"{i}.png")
"""


def test_a_killed_writer_leaves_nothing_whole_and_can_go_on(tmp_path):
    path = tmp_path / "s"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
    journal = tmp_path / "s.partial" / layout.JOURNAL
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 10_000):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(ValueError, match="was not finished"):
        store.Store.open(path)
    with writing.Writer(path, patch=PATCH, about={}, resume=True) as writer:
        done = writer.done["source"]
        assert done > 10
        image = np.random.default_rng(done).integers(0, 256, (*PATCH, 3), np.uint8)
        writer.add("source", clean=image, source=f"{done}.png")
    finished = store.Store.open(path)
    finished.verify()
    size = (path / "source.clean.0000.npy").stat().st_size
    assert size == 128 + (done + 1) * PATCH[0] * PATCH[1] * 3
    for i in (0, done - 1, done):
        expected = np.random.default_rng(i).integers(0, 256, (*PATCH, 3), np.uint8)
        np.testing.assert_array_equal(finished.images("source", "clean")[i], expected)


KILLED_AT_ITS_END = """
import os, signal, sys
import numpy as np
from senm_jax.data import shards, writing

path, per_shard, pairs, half = sys.argv[1], *map(int, sys.argv[2:])
shards.BYTES = per_shard * 40 * 56 * 3
writer = writing.Writer(path, patch=(40, 56), about={})
for i in range(pairs):
    image = np.full((40, 56, 3), i, np.uint8)
    writer.add("paired", clean=image, noisy=image, source=f"{i}.png")
    writer.add("target", noisy=image, source=f"{i}.png")
if half:
    writer._appender("paired", "clean").append(image)
    writer._appender("source", "clean").append(image)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("per_shard", "half", "more"), [
    (9, 0, None), (9, 0, "target"), (2, 0, "source"), (3, 0, None), (3, 1, "source"),
    (4, 1, "target"),
])
def test_what_a_killed_writer_had_finished_is_whole_whatever_is_added(
        tmp_path, monkeypatch, per_shard, half, more):
    path, pairs = tmp_path / "s", 3
    killed = subprocess.run([sys.executable, "-c", KILLED_AT_ITS_END, str(path),
                             *map(str, (per_shard, pairs, half))])
    assert killed.returncode == -signal.SIGKILL
    monkeypatch.setattr(shards, "BYTES", per_shard * PATCH[0] * PATCH[1] * 3)
    for resumed in (True, False):  # and killed once more before anything was added
        writer = writing.Writer(path, patch=PATCH, about={}, resume=True)
        assert writer.done == {"paired": pairs, "target": pairs}
        if resumed:
            writer._held.close()
    with writer:
        if more:
            image = {"source": "clean", "target": "noisy"}[more]
            writer.add(more, **{image: np.zeros((*PATCH, 3), np.uint8)}, source="more.png")
    finished = store.Store.open(path)
    finished.verify()
    expected = {"paired": pairs, "target": pairs} | (
        {more: 1 + pairs * (more == "target")} if more else {})
    assert {domain: len(finished.records(domain)) for domain in finished.domains} == expected
    listed = {shards.file_name(domain, side, number)
              for domain, entry in finished.index["domains"].items()
              for side in layout.SIDES[domain] for number in range(len(entry["shards"]))}
    assert {shard.name for shard in path.glob("*.npy")} == listed


def test_a_scale_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="multiples of the scale, got 16 x 18 and 4"):
        writing.Writer(tmp_path / "s", patch=(16, 18), about={}, scale=4)
    with pytest.raises(ValueError, match="a store of scale 2 holds pairs alone, got a source"):
        with writing.Writer(tmp_path / "s", patch=(4, 4), about={}, scale=2) as writer:
            writer.add("source", clean=np.zeros((4, 4, 3), np.uint8), source="x.png")
    with pytest.raises(ValueError, match=r"x.png: expected uint8 \(2, 2, 3\), got uint8 \(4, 4"):
        with writing.Writer(tmp_path / "s", patch=(4, 4), about={}, scale=2) as writer:
            image = np.zeros((4, 4, 3), np.uint8)
            writer.add("paired", clean=image, noisy=image, source="x.png")


def test_an_interrupted_writer_goes_on_with_both_sizes(tmp_path, fill_enlarged):
    def write(path, count):
        with writing.Writer(path, patch=(8, 8), about={}, scale=2, resume=True) as writer:
            fill_enlarged(writer, count, 2, (8, 8))
            if count < 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "s", 2)
    with writing.Writer(tmp_path / "s", patch=(8, 8), about={}, resume=True) as other:
        assert other.done == {}  # of another scale: it starts again
        image = np.zeros((8, 8, 3), np.uint8)
        other.add("source", clean=image, source="x")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "t", 2)
    with writing.Writer(tmp_path / "t", patch=(8, 8), about={}, scale=2, resume=True) as writer:
        assert writer.done == {"paired": 2}
    assert store.Store.open(tmp_path / "t").images("paired", "noisy").shape == (2, 4, 4, 3)

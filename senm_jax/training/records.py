"""Figures of a run by step: metrics.csv and TensorBoard."""

import contextlib
import csv
import io
import logging
import os
import pathlib
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence

from tensorboardX import record_writer, summary
from tensorboardX.proto import event_pb2

from senm_jax.data import files

log = logging.getLogger(__name__)


class Recorder:
    """Appends rows of named figures; a context manager.

    A run that goes on from ``step`` keeps the rows up to it and drops later ones, which it will
    write again. Columns of earlier rows that this run no longer measures stay. A row that cannot
    be written, as on a full disk, ends no run: a warning says so, and it is written with a later
    one.
    """

    def __init__(self, folder: str | os.PathLike, columns: Sequence[str], step: int):
        """Raises OSError: the files cannot be made."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.csv"
        kept, known = _rows_until(path, step)
        self._columns = ["step", *columns, *(name for name in known if name not in columns)]
        files.replace(path, self._lines([{name: name for name in self._columns}, *kept]))
        self._csv = _Appended(path, step)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        self._events = _Appended(folder / name, step)
        purge = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._events.add(step, _framed([
            event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"),
            event_pb2.Event(wall_time=time.time(), step=step + 1, session_log=purge),
        ]))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._csv.close()
        self._events.close()

    def row(self, step: int, figures: Mapping[str, float]) -> None:
        """Writes one row and hands it to the system at once, so that a killed run keeps it."""
        cells = {name: f"{value:.9g}" for name, value in figures.items()}
        self._csv.add(step, self._lines([{"step": step, **cells}]))
        self._events.add(step, _framed(
            event_pb2.Event(wall_time=time.time(), step=step, summary=summary.scalar(name, value))
            for name, value in figures.items()
        ))

    def _lines(self, rows: Iterable[Mapping]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self._columns, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


class _Appended:
    """A file that each step's bytes are appended to; those that cannot be written wait for the
    next. It never ends with a part of them, and no thread writes it, in which a failure is lost."""

    def __init__(self, path: pathlib.Path, step: int):
        self._path, self._file = path, path.open("ab", buffering=0)
        self._whole, self._step = self._file.tell(), step
        self._waiting = b""

    def add(self, step: int, data: bytes) -> None:
        """Writes the bytes of a step, behind those that wait."""
        waited = bool(self._waiting)
        self._waiting += data
        fault = self._write()
        if not fault:
            self._step = step
        elif not waited:
            log.warning("%s: what is behind step %d cannot be written (%s); the run goes on, and "
                        "writes it with a later row", self._path, self._step, fault)

    def close(self) -> None:
        """Closes the file; a warning says what it lacks."""
        fault = self._write()
        try:
            self._file.close()
        except OSError as error:
            fault = error
        if fault:
            log.warning("%s: ends with step %d, what is behind it could not be written (%s)",
                        self._path, self._step, fault)

    def _write(self) -> OSError | None:
        """Writes all that waits, or nothing of it and says why."""
        try:
            self._file.truncate(self._whole)  # in case that it could not be below
            rest = memoryview(self._waiting)
            while rest:
                rest = rest[self._file.write(rest):]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole)
            return error
        self._whole, self._waiting = self._whole + len(self._waiting), b""
        return None


def read(path: str | os.PathLike) -> list[dict[str, float]]:
    """Rows of a metrics.csv, cells that were not measured left out."""
    return [{name: float(cell) for name, cell in row.items() if cell} for row in _reader(path)]


def _reader(path: str | os.PathLike) -> csv.DictReader:
    """Of the whole lines: a killed run may have left half of one."""
    with open(path, newline="") as file:
        text = file.read()
    return csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))


def _rows_until(path: pathlib.Path, step: int) -> tuple[list[dict[str, str]], list[str]]:
    """Rows up to ``step`` and their columns."""
    if not path.exists():
        return [], []
    reader = _reader(path)
    rows = [row for row in reader
            if (row["step"] or "").isdecimal() and int(row["step"]) <= step]
    return rows, [name for name in reader.fieldnames or [] if name != "step"]


def _framed(events: Iterable[event_pb2.Event]) -> bytes:
    """The events as TensorBoard reads them from a file: TFRecord, each length and each event behind
    it with a checksum."""
    parts = []
    for event in events:
        data = event.SerializeToString()
        for part in (struct.pack("<Q", len(data)), data):
            parts += [part, struct.pack("<I", record_writer.masked_crc32c(part))]
    return b"".join(parts)

"""Figures of a run by step: metrics.csv and TensorBoard."""

import csv
import io
import os
import pathlib
from collections.abc import Mapping, Sequence

import tensorboardX


class Recorder:
    """Appends rows of named figures; a context manager.

    A run that goes on from ``step`` keeps the rows up to it and drops later ones, which it will
    write again. Columns of earlier rows that this run no longer measures stay.
    """

    def __init__(self, folder: str | os.PathLike, columns: Sequence[str], step: int):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.csv"
        kept, known = _rows_until(path, step)
        self._columns = ["step", *columns, *(name for name in known if name not in columns)]
        head = io.StringIO()
        writer = csv.DictWriter(head, self._columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        part = path.with_suffix(".part")
        part.write_text(head.getvalue())
        os.replace(part, path)
        self._file = path.open("a", newline="")
        self._csv = csv.DictWriter(self._file, self._columns, lineterminator="\n")
        self._board = tensorboardX.SummaryWriter(str(folder), purge_step=step + 1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()
        self._board.close()

    def row(self, step: int, figures: Mapping[str, float]) -> None:
        """Writes one row and hands it to the system at once, so that a killed run keeps it."""
        self._csv.writerow({"step": step, **{name: f"{v:.9g}" for name, v in figures.items()}})
        self._file.flush()
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)
        self._board.flush()


def read(path: str | os.PathLike) -> list[dict[str, float]]:
    """Rows of a metrics.csv, cells that were not measured left out."""
    with open(path, newline="") as file:
        return [{name: float(cell) for name, cell in row.items() if cell}
                for row in csv.DictReader(file)]


def _rows_until(path: pathlib.Path, step: int) -> tuple[list[dict[str, str]], list[str]]:
    """Rows up to ``step`` and their columns; what a killed run half wrote lies after it."""
    if not path.exists():
        return [], []
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader
                if (row["step"] or "").isdecimal() and int(row["step"]) <= step]
        names = [name for name in reader.fieldnames or [] if name != "step"]
    return rows, names

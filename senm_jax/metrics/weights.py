"""Files of a network's published weights, which do not come with this library."""

import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np


def read(path: str | pathlib.Path, what: str, remedy: str) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file by name; ``what`` it holds and the ``remedy`` are for errors.

    Raises:
        ValueError: no such file, or no ``.npz``.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{what}: no file {str(path)!r}: {remedy}")
    try:
        with np.load(path) as stored:
            return dict(stored)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{what}: {str(path)!r} is not an .npz of arrays ({error}): {remedy}") \
            from error


def check(
    entries: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]],
    spare: tuple[str, ...], what: str, whose: str,
) -> dict[str, np.ndarray]:
    """The expected entries as float32; names that begin with one of ``spare`` are no matter.

    Raises:
        ValueError: an entry is missing, unknown or of another shape; the message names it.
    """
    missing = sorted(expected.keys() - entries.keys())
    unknown = sorted(n for n in entries.keys() - expected.keys() if not n.startswith(spare))
    if missing or unknown:
        raise ValueError(
            f"{what}: expected the {len(expected)} entries of {whose}; missing {missing}, not known"
            f" {unknown}"
        )
    for name, shape in expected.items():
        if entries[name].shape != shape:
            raise ValueError(f"{what}: {name}: expected shape {shape}, got {entries[name].shape}")
    return {name: np.asarray(entries[name], np.float32) for name in expected}

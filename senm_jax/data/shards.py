"""Arrays of equal images spread over ``.npy`` files: appended one by one, read by memory map."""

import bisect
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy

BYTES = 256 * 2**20
"""A shard holds at most this many bytes of pixels, and at least one image."""


_HEADER_BYTES = 128


def file_name(domain: str, side: str, number: int) -> str:
    """The file name of shard ``number`` of one side of a domain."""
    return f"{domain}.{side}.{number:04d}.npy"


def capacity(shape: Sequence[int]) -> int:
    """How many images of ``shape`` one shard holds."""
    return max(1, BYTES // math.prod(shape))


def counts(total: int, shape: Sequence[int]) -> list[int]:
    """How many images each shard of ``total`` images holds."""
    held = capacity(shape)
    return [min(held, total - first) for first in range(0, total, held)]


def holds(
    folder: Path, domain: str, side: str, shape: Sequence[int], sizes: Sequence[int]
) -> bool:
    """Whether the shards are long enough for so many images each, whatever their headers say."""
    paths = [folder / file_name(domain, side, number) for number in range(len(sizes))]
    return all(path.is_file() and path.stat().st_size >= _HEADER_BYTES + size * math.prod(shape)
               for path, size in zip(paths, sizes, strict=True))


def settle(
    folder: Path, domain: str, side: str, shape: Sequence[int], sizes: Sequence[int]
) -> None:
    """Cuts shards that a killed writer left to so many images each, their headers made right, and
    removes those behind them."""
    for number, size in enumerate(sizes):
        with open(folder / file_name(domain, side, number), "r+b") as file:
            _write_header(file, (size, *shape))
            file.truncate(_HEADER_BYTES + size * math.prod(shape))
    for number in itertools.count(len(sizes)):
        path = folder / file_name(domain, side, number)
        if not path.is_file():
            return
        path.unlink()


class Appender:
    """Appends images to the shards of one side of a domain, behind the first ``count``.

    The files hold those and nothing behind them (`settle`). The headers are right only after
    `close`. A shard holds ``capacity`` images.
    """

    def __init__(
        self, folder: Path, domain: str, side: str, shape: tuple[int, ...], capacity: int,
        count: int = 0,
    ):
        self._folder, self._domain, self._side, self._shape = folder, domain, side, shape
        self._capacity = capacity
        self._number, self._inside = divmod(count, capacity)
        self._file = None

    def append(self, image: UInt8[np.ndarray, "h w c"]) -> None:
        """Hands one image to the operating system."""
        if self._file is None:
            path = self._folder / file_name(self._domain, self._side, self._number)
            self._file = open(path, "r+b" if self._inside else "wb")
            self._header()
            self._file.seek(self._inside * math.prod(self._shape), 1)
        self._file.write(np.ascontiguousarray(image).data)
        self._file.flush()
        self._inside += 1
        if self._inside == self._capacity:
            self.close()
            self._number, self._inside = self._number + 1, 0

    def close(self) -> None:
        """Completes the open shard's header and closes it."""
        if self._file is not None:
            with self._file:
                self._file.seek(0)
                self._header()
            self._file = None

    def _header(self) -> None:
        _write_header(self._file, (self._inside, *self._shape))


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Writes the header; NumPy pads it so that it has one length for any count."""
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


class Images:
    """A read-only array ``[n, h, w, 3]`` of uint8 over memory-mapped shards.

    ``images[i]`` is a view, ``images[a:b:c]`` and ``images[[i, j]]`` are copies.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, shards: Sequence[np.ndarray], shape: tuple[int, ...]):
        self._shards = list(shards)
        self._ends = list(itertools.accumulate(len(shard) for shard in self._shards))
        self.shape = (self._ends[-1] if self._ends else 0, *shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index) -> UInt8[np.ndarray, "..."]:
        if isinstance(index, slice):
            index = range(*index.indices(len(self)))
        elif isinstance(index, (int, np.integer)):
            return self._one(int(index))
        chosen = [self._one(int(i)) for i in index]
        return np.stack(chosen) if chosen else np.empty((0, *self.shape[1:]), np.uint8)

    def _one(self, index: int) -> UInt8[np.ndarray, "h w c"]:
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"patch {index} of {len(self)}")
        shard = bisect.bisect_right(self._ends, i)
        return self._shards[shard][i - (self._ends[shard] - len(self._shards[shard]))]

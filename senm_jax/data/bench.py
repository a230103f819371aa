"""How fast batches of crops are made."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from senm_jax.data import draws, pipeline, store, writing

TARGET = 10_000
"""Crops of 64 x 64 per second and host with two cores that a store is to give."""
ROWS = 32
"""Rows of each domain in a measured batch."""
_PATCH, _PATCHES = 256, 64


def measure(
    stores: Sequence[str | os.PathLike] = (), crop: int = 64, seconds: float = 3.0
) -> dict[str, Any]:
    """Crops per second of the stores, or of a temporary one of random pixels when none is given.

    A crop is one image; a pair counts two. ``per_core`` is the rate per second of processor time
    in one thread; ``one_thread`` and ``ahead`` are rates by the clock, of batches read when asked
    for and of batches read ahead by ``threads`` threads. Each of the two is measured for half of
    ``seconds`` after a batch that does not count.

    Raises:
        ValueError: a store is none, or the crop does not fit its patches.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(path) for path in stores] or [_random_store(Path(folder) / "store")]
        opened = [store.Store.open(path) for path in paths]
        fits = min(min(s.patch_of("noisy")) for s in opened)
        if crop > fits:
            raise ValueError(f"--crop: expected at most {fits}, the stores' patches, got {crop}")
        rows = {domain: ROWS for s in opened for domain in s.domains}
        pipe = pipeline.Pipeline(opened, rows, crop, seed=0)
        images = sum(ROWS * len(store.SIDES[domain]) for domain in rows)
        threads = os.cpu_count() or 1
        plain = _rate(map(pipe.batch_at, range(1, pipeline.LAST_STEP)), seconds / 2)
        ahead = _rate(pipe.iterate(1, threads=threads), seconds / 2)
    return {
        "stores": [str(path) for path in stores] or ["random pixels"],
        "crop": crop,
        "rows": rows,
        "cores": os.cpu_count(),
        "threads": threads,
        "per_core": images * plain["per_cpu"],
        "one_thread": images * plain["per_second"],
        "ahead": images * ahead["per_second"],
        "target": TARGET,
    }


def _rate(batches: Iterator[Any], seconds: float) -> dict[str, float]:
    """Batches per second of the clock and of the processor."""
    next(batches)
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        next(batches)
        count += 1
    return {
        "per_second": count / (time.perf_counter() - wall),
        "per_cpu": count / max(time.process_time() - cpu, 1e-9),
    }


def _random_store(path: Path) -> Path:
    """A store of random pixels with patches of every domain."""
    with writing.Writer(path, patch=(_PATCH, _PATCH), about={"made_by": "bench"}) as writer:
        for i in range(_PATCHES):
            bits = draws.raw(_PATCH * _PATCH * 6 // 8, "bench", i)
            clean, noisy = bits.view(np.uint8).reshape(2, _PATCH, _PATCH, 3)
            writer.add("paired", clean=clean, noisy=noisy, source="random")
            writer.add("source", clean=clean, source="random")
            writer.add("target", noisy=noisy, source="random")
    return path

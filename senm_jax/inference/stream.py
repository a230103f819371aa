"""Many images, read ahead, computed in groups, handed on one by one."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple

import jax
import numpy as np
import tqdm
from jaxtyping import Float32, UInt8, UInt16

from senm_jax.inference import batches, tiles
from senm_jax.training import assembly


class Summary(NamedTuple):
    """What became of a command's images."""

    made: int
    """Outputs that were written by this call."""
    kept: int
    """Outputs that were there already."""
    problems: tuple[str, ...]
    """What was left out: one line for each file, which names it."""


def to_float(
    image: UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]
) -> Float32[np.ndarray, "h w 3"]:
    """The image in [0, 1], from 8 or 16 bits."""
    return (image / np.float32(np.iinfo(image.dtype).max)).astype(np.float32)


def process(
    sizes: Sequence[tuple[int, int]],
    plan: tiles.Layout | None,
    wanted: Callable[[int], bool],
    read: Callable[[int], Any],
    compute: Callable[[list[int], list[Any], batches.Tick], list[Any]],
    problems: list[str],
    label: str,
    name: Callable[[int], object],
) -> Iterator[tuple[int, Any, Any]]:
    """(number, what was read, what was computed) of every wanted image, in order.

    Groups are those of `tiles.groups` over all images, so that a result's bits do not depend on
    which others are wanted; a group without a wanted image is passed over. The next group is read
    while one is computed. A progress bar on stderr counts tiles. What ``read`` refuses, by
    ValueError or OSError, is put into ``problems`` and left out.

    Raises:
        ValueError: a result is not finite; it begins with the ``name`` of its image.
    """
    groups = [g for g in tiles.groups(sizes, plan) if any(wanted(i) for i in g)]
    total = sum(len(tiles.places(sizes[i], plan)) if plan else 1 for group in groups for i in group)

    def load(group):
        loaded = []
        for i in group:
            try:
                loaded.append((i, read(i)))
            except (ValueError, OSError) as error:
                loaded.append((i, error))
        return loaded

    with futures.ThreadPoolExecutor(1) as pool, tqdm.tqdm(
        total=total, desc=label, unit="tile"
    ) as bar:
        coming = pool.submit(load, groups[0]) if groups else None
        for k in range(len(groups)):
            loaded = coming.result()
            coming = pool.submit(load, groups[k + 1]) if k + 1 < len(groups) else None
            for _, found in loaded:
                if isinstance(found, Exception) and str(found) not in problems:
                    problems.append(str(found))
            good = [(i, found) for i, found in loaded if not isinstance(found, Exception)]
            if not good:
                continue
            numbers, pictures = [i for i, _ in good], [found for _, found in good]
            try:
                results = compute(numbers, pictures, bar.update)
            except batches.NotFinite as error:
                raise ValueError(f"{name(numbers[error.number])}: {error.what}") from error
            for i, picture, result in zip(numbers, pictures, results, strict=True):
                if wanted(i):
                    yield i, picture, result


@contextlib.contextmanager
def precision(run) -> Iterator[None]:
    """Matrix products and convolutions inside as precise as the run's config asks for."""
    with jax.default_matmul_precision(assembly.precision(run.config)):
        yield


def precisely(work, run, *rest, **options):
    """``work(run, ...)`` under `precision` of the run."""
    with precision(run):
        return work(run, *rest, **options)

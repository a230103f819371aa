"""The paired patches of a test store that an evaluation looks at, and how figures are grouped."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import tqdm
from jaxtyping import Float32, UInt8

from senm_jax.data import store as store_
from senm_jax.ops import pixels

ALL = "all patches"
MEAN = "mean of configurations"
UNKNOWN = "unknown camera"
Row = dict[str, float | int]
"""Figures of a group by name; ``patches`` is how many it has."""


class Batch(NamedTuple):
    """Some patches of a store, read."""

    indices: tuple[int, ...]
    """Their places among the store's paired patches."""
    clean: UInt8[np.ndarray, "b h w 3"]
    noisy: UInt8[np.ndarray, "b h2 w2 3"]


def choose(store: store_.Store, limit: int | None, scale: int = 1) -> list[int]:
    """All paired patches of the store, or ``limit`` of them spread evenly.

    Raises:
        ValueError: the store has no pairs, or pairs of another scale (clean size over noisy), or
            the limit is below 1.
    """
    if store.scale != scale:
        raise ValueError(
            f"{store.path}: holds pairs whose clean side is {store.scale} times the noisy one, "
            f"and pairs of scale {scale} are needed here; name a store of such"
        )
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected at least 1 patch, got {limit}")
    count = len(store.records("paired"))
    if limit is None or limit >= count:
        return list(range(count))
    return np.linspace(0, count - 1, limit).round().astype(int).tolist()


def batches(
    store: store_.Store, indices: Sequence[int], size: int, label: str
) -> Iterator[Batch]:
    """The patches in order, ``size`` at a time, under a progress bar on stderr."""
    clean, noisy = (store.images("paired", side) for side in ("clean", "noisy"))
    with tqdm.tqdm(total=len(indices), desc=label, unit="patch") as bar:
        for first in range(0, len(indices), size):
            part = tuple(indices[first : first + size])
            yield Batch(part, *(np.stack([side[i] for i in part]) for side in (clean, noisy)))
            bar.update(len(part))


def labels(store: store_.Store, indices: Sequence[int]) -> list[str]:
    """The configuration of each patch in words: camera and ISO."""
    tags = store.tags("paired")
    return [_label(*tags[i]) for i in indices]


def to_float(images: UInt8[np.ndarray, "b h w 3"]) -> Float32[np.ndarray, "b h w 3"]:
    """The images in [0, 1]."""
    return np.asarray(pixels.to_float(jnp.asarray(images)))


def to_uint8(images: Float32[np.ndarray, "b h w 3"]) -> UInt8[np.ndarray, "b h w 3"]:
    """The images clipped and rounded to 8 bits."""
    return np.asarray(pixels.to_uint8(jnp.asarray(images)))


def about(run, store: store_.Store, indices: Sequence[int], seed: int) -> dict[str, Any]:
    """What a result is of, for its record."""
    return {
        "run": str(run.path),
        "step": run.step,
        "store": str(store.path),
        "fingerprint": store.fingerprint,
        "seed": seed,
        "indices": list(indices),
    }


def _label(camera: str | None, iso: int | None) -> str:
    if camera is None:
        return UNKNOWN
    return camera if iso is None else f"{camera}, ISO {iso}"


def by_configuration(
    items: Sequence[Any], names: Sequence[str], summarise: Callable[[list], Row]
) -> dict[str, Row]:
    """Rows of figures by group: `ALL`, then `MEAN`, then each configuration in order of its name.

    ``MEAN`` is the plain mean of the configurations' rows; with a single configuration there is
    `ALL` alone.
    """
    rows = {ALL: summarise(list(items))}
    present = sorted(set(names))
    if len(present) > 1:
        each = {
            name: summarise([item for item, of in zip(items, names, strict=True) if of == name])
            for name in present
        }
        keys = rows[ALL].keys()
        mean = {key: float(np.mean([row[key] for row in each.values()])) for key in keys}
        mean["patches"] = len(items)
        rows |= {MEAN: mean} | each
    return rows

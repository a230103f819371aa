"""Real noisy patches, as a noise model is told to imitate them."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Int64

from senm_jax.data import store as store_
from senm_jax.inference import likeness, stream
from senm_jax.methods import base
from senm_jax.ops import pixels
from senm_jax.training import platform

MEASURED = 1024
"""So many patches of a store, evenly spread over it, are imitated."""
BATCH = 32


class Example(NamedTuple):
    """A real noisy patch, as a method is told to imitate it."""

    conditions: dict[str, float]
    texture: float | None
    """Of a pair's clean side, see `likeness.texture`; where levels may go with it."""


def examples(run, store: store_.Store) -> list[Example]:
    """The conditions under which the method's noise is like that of a store's pairs, or where it
    has none of its other noisy patches; of up to `MEASURED`.

    A pair's recorded level stands, where it has one; other conditions and levels are measured by
    the method.

    Raises:
        ValueError: the method cannot measure, or the store has no noisy patches, or noisy ones
            that are smaller than the clean ones.
    """
    if store.scale != 1:
        raise ValueError(
            f"{store.path}: its noisy patches are {store.scale} times smaller than the clean ones, "
            "and levels are measured on patches of one size; name a store of such"
        )
    if "paired" in store.domains:
        return _pairs(run, store)
    if "target" in store.domains and not run.method.imitate_needs_clean:
        measured = _measure(run, store, "target", _spread(store, "target"))
        return [Example(each, None) for each in measured]
    raise ValueError(
        f"{store.path}: has no noisy patches to take levels from that the method can read, "
        f"only {list(store.domains)}"
    )


def _pairs(run, store: store_.Store) -> list[Example]:
    chosen, records = _spread(store, "paired"), store.records("paired")
    levels = [records[i]["level"] for i in chosen]
    if None not in levels and set(run.method.conditions) == {"level"}:
        found = [{}] * len(chosen)
    else:
        found = _measure(run, store, "paired", chosen)
    if "level" not in run.method.conditions:
        return [Example(each, None) for each in found]
    found = [
        each if level is None else each | {"level": level}
        for each, level in zip(found, levels, strict=True)
    ]
    clean = store.images("paired", "clean")
    textures = [likeness.texture(stream.to_float(np.asarray(clean[i]))) for i in chosen]
    return [Example(*each) for each in zip(found, textures, strict=True)]


def _spread(store: store_.Store, domain: str) -> Int64[np.ndarray, "n"]:
    """The numbers of at most `MEASURED` patches, evenly spread."""
    count = len(store.records(domain))
    return np.unique(np.linspace(0, count - 1, min(count, MEASURED)).round().astype(int))


def _measure(
    run, store: store_.Store, domain: str, chosen: Int64[np.ndarray, "n"]
) -> list[dict[str, float]]:
    if run.method.imitate is None:
        raise ValueError(f"{store.path}: this method cannot measure levels; name them by --level")

    def imitate(variables, images):
        images = {side: pixels.to_float(image) for side, image in images.items()}
        return run.method.imitate(variables, images.get("clean"), images["noisy"])

    height, width = base.whole_cells(run.method.sample_reach, store.patch)
    imitate, variables, measured = platform.jit(imitate), jax.device_put(run.variables), []
    for first in range(0, len(chosen), BATCH):
        rows = list(chosen[first : first + BATCH])
        filled = rows + rows[:1] * (min(BATCH, len(chosen)) - len(rows))
        images = {side: store.images(domain, side)[filled][:, :height, :width]
                  for side in store_.SIDES[domain]}
        columns = jax.device_get(imitate(variables, images))
        measured += [
            {name: float(column[i]) for name, column in columns.items()} for i in range(len(rows))
        ]
    return measured

"""Photographs of different splits that show the same: training and testing must not share any."""

import base64
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from senm_jax.data import compare, store

KEY = "photographs"
"""Where a store's index says what its photographs look like, in ``about``."""


class Photograph(NamedTuple):
    """What is compared of a photograph."""

    name: str
    split: str
    signature: Float32[np.ndarray, "d"]
    """Of `compare.signature`."""


def across(
    new: Sequence[Photograph], others: Sequence[Photograph]
) -> list[tuple[Photograph, Photograph, float]]:
    """The pairs that show the same, each with its correlation.

    Those of different splits, of which at least one is ``new``, compared row by row.
    """
    table = [*new, *others]
    splits = np.array([photograph.split for photograph in table])
    if len(set(splits)) < 2:
        return []
    signatures = np.stack([photograph.signature for photograph in table])
    found = []
    for i, photograph in enumerate(new):
        likeness = signatures[i + 1 :] @ photograph.signature
        same = np.flatnonzero((likeness > compare.ALIKE) & (splits[i + 1 :] != photograph.split))
        found += [(photograph, table[i + 1 + j], float(likeness[j])) for j in same]
    return found


def entries(photographs: Sequence[Photograph]) -> list[dict[str, str]]:
    """The photographs as JSON values, for a store's index."""
    return [
        {"name": p.name, "signature": base64.b64encode(p.signature.astype("<f2")).decode()}
        for p in photographs
    ]


def of_store(path: str | os.PathLike) -> list[Photograph]:
    """The photographs that a store was cut from; their split is ``in PATH``.

    Raises:
        ValueError: there is no store, or its index does not say what they look like.
    """
    listed = store.Store.open(path).index["about"].get(KEY)
    if listed is None:
        raise ValueError(
            f"--apart-from {path}: its index does not say what its photographs look like, as those "
            "of `senm-jax prepare` do; prepare it again, or name the store of the photographs"
        )
    return [
        Photograph(
            f"{path}: {entry['name']}", f"in {path}",
            np.frombuffer(base64.b64decode(entry["signature"]), "<f2").astype(np.float32),
        )
        for entry in listed
    ]

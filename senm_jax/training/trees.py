"""Trees of arrays as a whole: on the host, their digest, whether they are finite."""

import hashlib
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils


def path_of(path: tuple) -> str:
    """A leaf's path as ``a/b/c``, the same for dicts, lists and records of the same names."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def on_host(tree: Any) -> Any:
    """The tree's arrays whole, as NumPy arrays, wherever they lie."""
    return jax.tree.map(_on_host, tree)


def digest(tree: Any) -> str:
    """SHA-256 (hex) of all leaves: path, type, shape and bytes, in the order of their paths."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    total = hashlib.sha256()
    for name, leaf in sorted(((path_of(path), leaf) for path, leaf in leaves), key=lambda x: x[0]):
        array = np.ascontiguousarray(_on_host(leaf))
        total.update(f"{name} {array.dtype} {np.shape(leaf)}\n".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def not_finite(tree: Any) -> str | None:
    """Path of the first leaf that holds NaN or infinity; None where all are finite."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if jax.dtypes.issubdtype(leaf.dtype, np.inexact) and not np.isfinite(_on_host(leaf)).all():
            return path_of(path)
    return None


def _on_host(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        if not leaf.is_fully_replicated:
            return multihost_utils.process_allgather(leaf, tiled=True)
        leaf = leaf.addressable_data(0)
    return np.asarray(jax.device_get(leaf))

"""Checkpoints of the train state: written whole, checked when read, walked back over when damaged.

One folder a step (orbax) with two items: ``state``, the arrays, and ``meta``, JSON: the step, a
SHA-256 of each part of the state, the data's fingerprint, the config and the validation figures.
orbax itself has no checksum on array data and takes any folder named by a number for a checkpoint.
"""

import contextlib
import json
import logging
import math
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils

from senm_jax.training import state as state_
from senm_jax.training import trees

log = logging.getLogger(__name__)

ITEMS = ("state", "meta")
PARTS = ("step", "params", "statistics", "opt_state")
FIELDS = ("step", "saved", "sha256", "validation", "data", "config", "window")  # of meta


class Damaged(ValueError):
    """A checkpoint that cannot be read, or whose arrays are not those that were saved."""


def rank(best: str, validation: Mapping[str, float]) -> float:
    """How good a checkpoint with these figures is by the config's ``best``; -inf: not measured.

    ``best`` names a figure whose highest value is best, or with "-" before it, lowest.
    """
    name = best.removeprefix("-")
    if not best or name not in validation:
        return -math.inf
    return -validation[name] if best.startswith("-") else validation[name]


def steps(folder: str | os.PathLike) -> list[int]:
    """Steps of the finished checkpoints, whole or not, ascending; [] where there is no folder."""
    folder = pathlib.Path(folder)
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())


def there(folder: str | os.PathLike, step: int) -> bool:
    """Whether a run in training has not removed the checkpoint since it was listed."""
    return pathlib.Path(folder, str(step)).is_dir()


def restore(
    folder: str | os.PathLike, abstract: state_.TrainState
) -> tuple[state_.TrainState, dict[str, Any]] | None:
    """The newest whole checkpoint's state and meta; None where none was ever written.

    ``abstract`` has the shapes, types and shardings. Damaged checkpoints newer than the one
    restored are named in a warning and moved to the folder ``damaged`` beside ``folder``: they
    would block the saving of their successors.

    Raises:
        ValueError: there are checkpoints, but none is whole.
    """
    target, faults = parts_of(abstract), {}
    how = ocp.args.PyTreeRestore(
        target, restore_args=ocp.checkpoint_utils.construct_restore_args(target)
    )
    for step in reversed(steps(folder)):
        try:
            parts, meta = _read(folder, step, lambda _: how)
        except Damaged as fault:
            faults[step] = fault
            continue
        _set_aside(pathlib.Path(folder), faults, step)
        return state_.TrainState(**parts), meta
    if faults:
        raise ValueError(_none_whole(folder, faults))
    return None


def read(
    folder: str | os.PathLike, step: int, parts: Sequence[str] = ("params", "statistics")
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Some parts of one checkpoint's state, as nested dicts of NumPy arrays, and its meta.

    Needs no method and no abstract state.

    Raises:
        Damaged: it cannot be read or is not what was saved.
    """
    def how(tree):
        wanted = {name: tree[name] for name in parts}
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted)
        return ocp.args.PyTreeRestore(wanted, restore_args=as_numpy, partial_restore=True)

    return _read(folder, step, how)


def newest(folder: str | os.PathLike, best: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`read` of the best checkpoint where any was measured by ``best``, else of the latest.

    Damaged ones are passed over with a warning.

    Raises:
        ValueError: there is no whole checkpoint.
    """
    listed, faults, ranked = steps(folder), {}, []
    for step in listed:
        try:
            ranked.append((rank(best, read_meta(folder, step)["validation"]), step))
        except Damaged as fault:
            faults |= {step: fault} if there(folder, step) else {}
    for _, step in sorted(ranked, reverse=True):
        try:
            found = read(folder, step)
        except Damaged as fault:
            faults |= {step: fault} if there(folder, step) else {}
            continue
        for fault in faults.values():
            log.warning("taking step %d: %s", step, fault)
        return found
    if steps(folder) != listed:  # a run in training has gone on meanwhile
        return newest(folder, best)
    raise ValueError(_none_whole(folder, faults))


def _read(folder: str | os.PathLike, step: int, how: Callable):
    """Parts of the state as ``how(tree of what there is)`` asks, checked, and the meta."""
    path = pathlib.Path(folder).absolute() / str(step)
    meta = read_meta(folder, step)
    try:
        with contextlib.closing(ocp.PyTreeCheckpointHandler()) as handler:
            item = epath.Path(path / "state")
            parts = dict(handler.restore(item, args=how(handler.metadata(item).tree)))
    except Exception as error:  # orbax and tensorstore raise many kinds for a damaged file
        raise Damaged(_fault(path, error)) from error
    for name, part in parts.items():
        if trees.digest(part) != meta["sha256"][name]:
            raise Damaged(f"{path}: damaged: the {name} are not those that were saved")
    return parts, meta


def read_meta(folder: str | os.PathLike, step: int) -> dict[str, Any]:
    """The meta item of one checkpoint.

    Raises:
        Damaged: it cannot be read or is none.
    """
    path = pathlib.Path(folder).absolute() / str(step)
    try:
        meta = json.loads((path / "meta" / "metadata").read_text())
        lacking = [name for name in FIELDS if name not in meta]
        if lacking:
            raise ValueError(f"its meta lacks {', '.join(lacking)}")
        if set(PARTS) != set(meta["sha256"]) or meta["step"] != step:
            raise ValueError("its meta is of another checkpoint")
        return meta
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(_fault(path, error)) from error


def _set_aside(folder: pathlib.Path, faults: Mapping[int, Damaged], good: int) -> None:
    away, several = folder.parent / "damaged", jax.process_count() > 1
    if several:  # each has read them where they were
        multihost_utils.sync_global_devices("checkpoints judged")
    for step, fault in faults.items():
        log.warning("going back to step %d: %s; moved to %s", good, fault, away)
        if jax.process_index() == 0:
            away.mkdir(exist_ok=True)
            os.replace(folder / str(step), away / f"{step}.{time.time_ns()}")
    if several:
        multihost_utils.sync_global_devices("damaged checkpoints moved")


def _fault(path: pathlib.Path, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{path}: damaged or incomplete: {type(error).__name__}: {reason}"


def _none_whole(folder: pathlib.Path, faults: Mapping[int, Damaged]) -> str:
    if not faults:
        return f"{folder}: expected a checkpoint, found none; has the run saved one yet?"
    reasons = "; ".join(str(fault) for fault in faults.values())
    return f"{folder}: none of {len(faults)} checkpoints is whole: {reasons}"


def parts_of(state: state_.TrainState) -> dict[str, Any]:
    """The state's `PARTS` by name."""
    return {name: getattr(state, name) for name in PARTS}

"""Saves the checkpoints of a run in training (`checkpoints` says what one is, and reads them)."""

import contextlib
import logging
import math
import os
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from senm_jax.training import checkpoints, trees
from senm_jax.training import state as state_

log = logging.getLogger(__name__)


class _Best(checkpoint_managers.PreservationPolicy):
    """Keeps the best checkpoint by the figures in its own meta, whichever process has saved it;
    orbax's own policy knows those alone that this process has saved."""

    def __init__(self, folder: pathlib.Path, best: str):
        self._folder, self._best = folder, best

    def should_preserve(self, found, *, context):
        ranks = [checkpoints.rank(self._best, self._figures(each)) for each in found]
        best = max(ranks, default=-math.inf)
        kept = len(ranks) - 1 - ranks[::-1].index(best) if best > -math.inf else None
        return [i == kept for i in range(len(ranks))]

    def _figures(self, each) -> Mapping[str, float]:
        if each.metrics is not None:
            return each.metrics
        try:
            return checkpoints.read_meta(self._folder, each.step)["validation"]
        except checkpoints.Damaged:  # or not whole yet
            return {}


class Writer:
    """The checkpoints of a run in training; leaving the context waits for the last save."""

    def __init__(self, folder: str | os.PathLike, *, keep: int, best: str):
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        policies = [checkpoint_managers.LatestN(keep), _Best(self.folder, best)]
        policy = checkpoint_managers.AnyPreservationPolicy(policies)
        self._options = ocp.CheckpointManagerOptions(
            preservation_policy=policy, cleanup_tmp_directories=True
        )
        self._manager, self._last, self._lost = self._start(), -1, False

    def _start(self) -> ocp.CheckpointManager:
        return ocp.CheckpointManager(
            self.folder, options=self._options, item_names=checkpoints.ITEMS)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self._manager.close()
        except Exception as fault:  # whatever the writing raised
            if kind is None:
                raise OSError(self._fault(fault)) from fault

    def _fault(self, error: Exception) -> str:
        return (f"{self.folder}: a checkpoint could not be written: {error}; the last good one is "
                "kept")

    def reached_preemption(self, step: int) -> bool:
        """Whether the cluster asked any process to stop; the same answer on all of them."""
        return self._manager.reached_preemption(step)

    def lost(self, wait: bool = False) -> bool:
        """Whether the last save has failed, as on a full disk: save again at once.

        With ``wait`` it is waited for, else one that goes on has not failed yet.

        Raises:
            OSError: so has the one before it.
        """
        if not wait and self._manager.is_saving_in_progress():
            return False
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            if self._lost or jax.process_count() > 1:  # others may not know of it
                raise OSError(self._fault(error)) from error
            log.warning("%s, and it is tried again", self._fault(error))
            with contextlib.suppress(Exception):
                self._manager.close()  # it would raise the same again
            self._manager, self._lost = self._start(), True
            return True
        self._lost = self._lost and not checkpoints.there(self.folder, self._last)
        return False

    def save(
        self, state: state_.TrainState, about: Mapping[str, Any],
        validation: Mapping[str, float],
    ) -> None:
        """Begins to save; the state may be donated right after. ``about`` joins the meta item.

        Raises:
            ValueError: an array of the state holds a value that is not finite.
            OSError: it cannot be written, or the two before it could not.
        """
        self.lost(wait=True)
        step, parts = int(state.step), checkpoints.parts_of(state)
        fault = trees.not_finite(parts)
        if fault:
            raise ValueError(
                f"step {step}: {fault} holds a value that is not finite; it was not saved, and the "
                "last good checkpoint is kept"
            )
        meta = {
            "step": step,
            "saved": time.strftime("%Y-%m-%d %H:%M:%S"),
            "sha256": {name: trees.digest(part) for name, part in parts.items()},
            "validation": dict(validation),
            **about,
        }
        saved = self._manager.save(
            step,
            args=ocp.args.Composite(state=ocp.args.PyTreeSave(parts), meta=ocp.args.JsonSave(meta)),
            metrics=dict(validation) or None, force=True,
        )
        self._last = step
        if not saved:
            raise OSError(f"{self.folder}: the checkpoint of step {step} was not written")

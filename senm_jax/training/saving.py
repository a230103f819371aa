"""Saves the checkpoints of a run in training (`checkpoints` says what one is, and reads them)."""

import contextlib
import functools
import logging
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


class Writer:
    """The checkpoints of a run in training; leaving the context waits for the last save."""

    def __init__(self, folder: str | os.PathLike, *, keep: int, best: str):
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        latest = checkpoint_managers.LatestN(keep)
        ranked = checkpoint_managers.BestN(
            get_metric_fn=functools.partial(checkpoints.rank, best), n=1,
            keep_checkpoints_without_metrics=False,
        )
        policy = checkpoint_managers.AnyPreservationPolicy([latest, ranked] if best else [latest])
        self._options = ocp.CheckpointManagerOptions(
            preservation_policy=policy, cleanup_tmp_directories=True
        )
        self._manager, self._last, self._lost = self._start(), -1, False

    def _start(self) -> ocp.CheckpointManager:
        return ocp.CheckpointManager(
            self.folder, options=self._options, item_names=checkpoints.ITEMS)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._manager.close()

    def reached_preemption(self, step: int) -> bool:
        """Whether the cluster asked any process to stop; the same answer on all of them."""
        return self._manager.reached_preemption(step)

    def lost(self, wait: bool = False) -> bool:
        """Whether the last save has failed meanwhile, as on a full disk: save again at once.

        With ``wait`` it is waited for.

        Raises:
            OSError: so has the one before it.
        """
        try:
            (self._manager.wait_until_finished if wait else self._manager.check_for_errors)()
        except Exception as error:  # whatever the writing raised
            fault = f"{self.folder}: a checkpoint could not be written: {error}"
            if self._lost or jax.process_count() > 1:  # others may not know of it
                raise OSError(f"{fault}; the last good one is kept") from error
            log.warning("%s; it is tried again", fault)
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

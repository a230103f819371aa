"""Training a run from its settings to its last step, whatever interrupts it on the way."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import tqdm
from jax.experimental import multihost_utils

from senm_jax.training import (
    assembly, changes, checkpoints, ledger, records, runs, saving, starts, tasks, trees,
)
from senm_jax.training import settings as settings_
from senm_jax.training import state as state_

log = logging.getLogger(__name__)


def train(config: Any, workdir: str | os.PathLike) -> runs.Run:
    """The run in ``workdir``, trained to its config's last step, or as far as it was let.

    Begins the run or goes on with it: from its newest whole checkpoint, to the same bits as
    without the interruption. On SIGTERM or SIGINT it finishes its step, saves, and returns; the
    run's ``step`` says how far it came.

    Raises:
        ValueError: the config is refused, the data is missing, the folder holds another run, or
            a value that is not finite came up (the last good checkpoint is kept).
    """
    task = tasks.prepare(config, workdir)
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            jax.default_matmul_precision(assembly.precision(task.settings)))
        if jax.process_index() == 0:
            stack.enter_context(runs.held(task.workdir))
        state, window = _begin(task)
        if int(state.step) < task.settings.steps or not checkpoints.steps(task.checkpoints):
            state = _advance(task, state, window)
    done = int(state.step)
    if done < task.settings.steps:
        log.info("stopped after step %d of %d; to go on: senm-jax train --workdir %s",
                 done, task.settings.steps, workdir)
    return runs.open(workdir, done)


def _begin(task: tasks.Task) -> tuple[state_.TrainState, Mapping]:
    """The state to go on from, and the ledger's sums as of then."""
    found = checkpoints.restore(task.checkpoints, task.job.abstract)
    if found is None:
        fresh = starts.apply(task.job.fresh(task.first_batch), task.start)
        state, meta = fresh, {"step": 0, "window": {}}
    else:
        state, meta = found
        if meta["step"] > task.settings.steps:
            raise ValueError(f"config.steps: expected {meta['step']} or more, so far the run in "
                             f"{task.workdir} has gone already, got {task.settings.steps}")
        changes.refuse(task.workdir, settings_.resolve(meta["config"]), task.settings,
                       meta["data"], task.fingerprint)
        log.info("going on from step %d of %d", meta["step"], task.settings.steps)
    if jax.process_count() > 1:
        multihost_utils.assert_equal(meta["step"], "processes restored different steps")
    if jax.process_index() == 0:
        differ = runs.write_about(task.workdir, task.settings, task.fingerprint)
        if found and differ:
            log.warning("%s differ from the start before: the run goes on, but perhaps not to the "
                        "same bits", ", ".join(differ))
    return state, meta["window"]


def _advance(task: tasks.Task, state: state_.TrainState, window: Mapping) -> state_.TrainState:
    """The state after the last step, or after the one in which the run was asked to stop."""
    settings, job, start = task.settings, task.job, int(state.step)
    step = _compile(task) if start < settings.steps else None
    most_skipped = {player: each.skip_not_finite for player, each in settings.optimisers.items()}
    clock, book = ledger.Clock(start), ledger.Ledger(job.metrics, window, most_skipped)
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(
            saving.Writer(task.checkpoints, keep=settings.keep, best=settings.best))
        record = stack.enter_context(_recorder(task, start))
        asked_to_stop = stack.enter_context(_stop_requests(writer))
        batches = stack.enter_context(_batches(task, start + 1))
        bar = stack.enter_context(
            tqdm.tqdm(total=settings.steps, initial=start, unit="step", smoothing=0.05,
                      disable=jax.process_index() != 0))
        if start == settings.steps:
            _save(task, writer, state, book, {})  # nothing to learn, but a run to be opened
        figures = {}
        for number in range(start + 1, settings.steps + 1):
            with clock("data_wait"):
                batch = job.put(next(batches))
            with jax.transfer_guard("disallow"):
                state, metrics = step(state, batch)
            book.settle()  # waits for the step before this one, while this one runs
            book.enter(number, metrics)
            bar.set_postfix(book.losses, refresh=False)
            bar.update()

            stop, figures = asked_to_stop(number), {}
            due = _due(task, number, stop)
            if due.record and writer.lost():
                due = due._replace(checkpoint=True)
            if any(due):
                book.settle()  # what is not finite is neither measured nor recorded nor saved
            if due.validation:
                with clock("validation"):
                    figures = _validate(task, state, number)
            if due.record:
                record(number, {**book.close(), **clock.close(number, settings.steps), **figures})
            if due.checkpoint:
                with clock("checkpoint"):
                    _save(task, writer, state, book, figures)
            if stop:
                break
        if writer.lost(wait=True):
            _save(task, writer, state, book, figures)
    return state


class Due(NamedTuple):
    """What is to be done after a step."""

    validation: bool
    record: bool
    checkpoint: bool


def _due(task: tasks.Task, number: int, stop: bool) -> Due:
    settings = task.settings
    last = number == settings.steps
    validation = task.validator is not None and (last or number % settings.validate_every == 0)
    return Due(
        validation=validation,
        record=last or validation or number % settings.log_every == 0,
        checkpoint=last or stop or number % settings.checkpoint_every == 0
        or (validation and bool(settings.best)),
    )


def _compile(task: tasks.Task) -> Callable:
    began = time.monotonic()
    step = task.job.compile()
    log.info("compiled the step in %.1f s, for %d of %d devices", time.monotonic() - began,
             task.job.mesh.size, jax.device_count())
    return step


def _save(task: tasks.Task, writer: saving.Writer, state: state_.TrainState,
          book: ledger.Ledger, figures: Mapping[str, float]) -> None:
    about = {"data": task.fingerprint, "config": settings_.plain(task.settings),
             "window": book.window}
    writer.save(state, about, figures)


def _validate(task: tasks.Task, state: state_.TrainState, number: int) -> dict[str, float]:
    picture = task.workdir / "previews" / f"{number:08d}.png"
    variables = trees.on_host(state.variables)
    return task.validator.measure(variables, picture if jax.process_index() == 0 else None)


@contextlib.contextmanager
def _batches(task: tasks.Task, first: int) -> Iterator[Iterator[Mapping]]:
    """This process's rows of each batch from step ``first`` on, read ahead."""
    if task.pipeline is None:
        yield iter(())
        return
    batches = task.pipeline.iterate(first, jax.process_index(), jax.process_count())
    try:
        yield batches
    finally:
        if hasattr(batches, "close"):
            batches.close()


@contextlib.contextmanager
def _recorder(task: tasks.Task, start: int) -> Iterator[Callable[[int, Mapping], None]]:
    """A function (step, figures) that writes a row; the first process alone writes."""
    if jax.process_index() != 0:
        yield lambda step, figures: None
        return
    columns = [*task.job.metrics, *ledger.TIMES, *(task.validator.names if task.validator else ())]
    with records.Recorder(task.workdir / "metrics", columns, start) as recorder:
        yield recorder.row


@contextlib.contextmanager
def _stop_requests(writer: saving.Writer) -> Iterator[Callable[[int], bool]]:
    """A function (step) that says whether the run is to stop after this step.

    Alone, a process stops at SIGTERM or SIGINT; a second one interrupts at once. Among several,
    a SIGTERM to any of them stops all at the same step.
    """
    if jax.process_count() > 1:
        yield writer.reached_preemption
        return
    if threading.current_thread() is not threading.main_thread():
        yield lambda step: False  # signals reach the main thread alone
        return
    came = []

    def note(number, frame):
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = {each: signal.signal(each, note) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda step: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

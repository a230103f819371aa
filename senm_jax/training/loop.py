"""Training a run from its settings to its last step, whatever interrupts it on the way."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import tqdm
from jax.experimental import multihost_utils

from senm_jax.data import degrading
from senm_jax.data import pipeline as pipeline_
from senm_jax.data import store as store_
from senm_jax.methods import base
from senm_jax.training import assembly, checkpoints, fields, ledger, records, runs, validation
from senm_jax.training import settings as settings_
from senm_jax.training import state as state_
from senm_jax.training import starts, trees

log = logging.getLogger(__name__)


class Task(NamedTuple):
    """A run's parts, all opened and checked; nothing is compiled or written yet."""

    workdir: pathlib.Path
    settings: settings_.Settings
    pipeline: pipeline_.Pipeline | None
    """None where a method learns nothing."""
    fingerprint: str
    """Of what the run's batches are a function of, beside the step; "" for no data."""
    first_batch: Mapping
    job: assembly.Job
    validator: validation.Validator | None
    start: Mapping[str, Mapping[str, Any]]
    """Variables of the players that begin with another run's, where this one begins."""


def train(config: Any, workdir: str | os.PathLike) -> runs.Run:
    """The run in ``workdir``, trained to its config's last step, or as far as it was let.

    Begins the run or goes on with it: from its newest whole checkpoint, to the same bits as
    without the interruption. On SIGTERM or SIGINT it finishes its step, saves, and returns; the
    run's ``step`` says how far it came.

    Raises:
        ValueError: the config is refused, the data is missing, the folder holds another run, or
            a value that is not finite came up (the last good checkpoint is kept).
    """
    task = prepare(config, workdir)
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            jax.default_matmul_precision(assembly.precision(task.settings)))
        if jax.process_index() == 0:
            stack.enter_context(runs.held(task.workdir))
        state, window = _begin(task)
        if int(state.step) < task.settings.steps or not checkpoints.steps(_folder(task)):
            state = _advance(task, state, window)
    done = int(state.step)
    if done < task.settings.steps:
        log.info("stopped after step %d of %d; to go on: senm-jax train --workdir %s",
                 done, task.settings.steps, workdir)
    return runs.open(workdir, done)


def prepare(config: Any, workdir: str | os.PathLike) -> Task:
    """Everything a run needs, opened and checked before anything compiles.

    Raises:
        ValueError: as `train`.
    """
    settings, workdir = _with_configurations(settings_.resolve(config)), pathlib.Path(workdir)
    method = settings_.make_method(settings)
    _check_crop(settings, method)
    learns = bool(method.players) or any(settings.data.rows.values())
    degrader = settings_.make_degrader(settings)
    pipeline = _open_data(settings, method, degrader) if learns else None
    fingerprint = pipeline.fingerprint if pipeline else ""
    if (workdir / "config.json").exists():
        before = runs.read_config(workdir)
        _check_same_run(workdir, before, settings, runs.read_about(workdir)["data"], fingerprint)
    validator = None
    if settings.data.validation and method.takes_level and not settings.hyper.get("level"):
        raise ValueError("config.hyper.level: expected the noise's standard deviation, in (0, 1], "
                         "from which validation restores, got 0; set it, or "
                         "config.data.validation to ''")
    if settings.data.validation:
        with _naming("config.data.validation"):
            validator = validation.Validator(
                settings.data.validation, method, settings.seed, degrader)
        _check_best(settings, validator)
    first_batch = pipeline.batch_at(1) if pipeline else {}
    job = assembly.assemble(settings, first_batch)
    begins = settings.start and not checkpoints.steps(workdir / "checkpoints")
    start = starts.read(settings.start, job.abstract) if begins else {}
    return Task(workdir, settings, pipeline, fingerprint, first_batch, job, validator, start)


def _begin(task: Task) -> tuple[state_.TrainState, Mapping]:
    """The state to go on from, and the ledger's sums as of then."""
    found = checkpoints.restore(_folder(task), task.job.abstract)
    if found is None:
        fresh = starts.apply(task.job.fresh(task.first_batch), task.start)
        state, meta = fresh, {"step": 0, "window": {}}
    else:
        state, meta = found
        if meta["step"] > task.settings.steps:
            raise ValueError(f"config.steps: expected {meta['step']} or more, so far the run in "
                             f"{task.workdir} has gone already, got {task.settings.steps}")
        _check_same_run(task.workdir, settings_.resolve(meta["config"]), task.settings,
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


def _advance(task: Task, state: state_.TrainState, window: Mapping) -> state_.TrainState:
    """The state after the last step, or after the one in which the run was asked to stop."""
    settings, job, start = task.settings, task.job, int(state.step)
    step = _compile(task) if start < settings.steps else None
    most_skipped = {player: each.skip_not_finite for player, each in settings.optimisers.items()}
    clock, book = ledger.Clock(start), ledger.Ledger(job.metrics, window, most_skipped)
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(
            checkpoints.Writer(_folder(task), keep=settings.keep, best=settings.best))
        record = stack.enter_context(_recorder(task, start))
        asked_to_stop = stack.enter_context(_stop_requests(writer))
        batches = stack.enter_context(_batches(task, start + 1))
        bar = stack.enter_context(
            tqdm.tqdm(total=settings.steps, initial=start, unit="step", smoothing=0.05,
                      disable=jax.process_index() != 0))
        if start == settings.steps:
            _save(task, writer, state, book, {})  # nothing to learn, but a run to be opened
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
    return state


class Due(NamedTuple):
    """What is to be done after a step."""

    validation: bool
    record: bool
    checkpoint: bool


def _due(task: Task, number: int, stop: bool) -> Due:
    settings = task.settings
    last = number == settings.steps
    validation = task.validator is not None and (last or number % settings.validate_every == 0)
    return Due(
        validation=validation,
        record=last or validation or number % settings.log_every == 0,
        checkpoint=last or stop or number % settings.checkpoint_every == 0
        or (validation and bool(settings.best)),
    )


def _compile(task: Task) -> Callable:
    began = time.monotonic()
    step = task.job.compile()
    log.info("compiled the step in %.1f s, for %d of %d devices", time.monotonic() - began,
             task.job.mesh.size, jax.device_count())
    return step


def _save(task: Task, writer: checkpoints.Writer, state: state_.TrainState,
          book: ledger.Ledger, figures: Mapping[str, float]) -> None:
    about = {"data": task.fingerprint, "config": settings_.plain(task.settings),
             "window": book.window}
    writer.save(state, about, figures)


def _validate(task: Task, state: state_.TrainState, number: int) -> dict[str, float]:
    picture = task.workdir / "previews" / f"{number:08d}.png"
    variables = trees.on_host(state.variables)
    return task.validator.measure(variables, picture if jax.process_index() == 0 else None)


def _with_configurations(settings: settings_.Settings) -> settings_.Settings:
    """The settings with ``hyper.configurations``, where it is there and empty, filled in from the
    training stores, so that config and checkpoints hold the table that was learnt."""
    if settings.hyper.get("configurations") != ():
        return settings
    found = pipeline_.configuration_names(_stores(settings), settings.data.rows)
    return dataclasses.replace(settings, hyper={**settings.hyper, "configurations": found})


def _stores(settings: settings_.Settings) -> list[store_.Store]:
    if not settings.data.stores:
        raise ValueError("config.data.stores: expected the path of a patch store, got none; "
                         "senm-jax prepare makes one, --config.data.stores=PATH names it")
    with _naming("config.data.stores"):
        return [store_.Store.open(path) for path in settings.data.stores]


@contextlib.contextmanager
def _naming(field: str) -> Iterator[None]:
    """Puts the field before what a ValueError says."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def _open_data(
    settings: settings_.Settings, method: base.Method, degrader: degrading.Degrader | None
) -> pipeline_.Pipeline:
    data = settings.data
    if degrader and method.configurations:
        raise ValueError(f"config.data.degradation: {settings.method} learns the noise of camera "
                         "configurations, and pairs that are made have none; set it to ''")
    if degrader and method.needs_levels and not method.takes_level:
        raise ValueError("config.hyper.patch_level: pairs that are made, by "
                         "config.data.degradation, are of no patch whose level is known; set it to "
                         "false")
    if settings.steps > pipeline_.LAST_STEP:
        raise ValueError(f"config.steps: expected {pipeline_.LAST_STEP} or fewer, got "
                         f"{settings.steps}")
    stores = _stores(settings)
    if data.rows.get("paired"):
        _check_scale(settings, method, stores, degrader)
    return pipeline_.Pipeline(stores, data.rows, data.crop, settings.seed, data.weights or None,
                              method.configurations, "" if degrader else method.needs_levels,
                              degrader)


def _check_crop(settings: settings_.Settings, method: base.Method) -> None:
    """ValueError unless crops fit the grids of a noise model."""
    multiple = method.sample_reach.multiple if method.sample_reach else 1
    if settings.data.crop % multiple:
        raise ValueError(f"config.data.crop: expected a multiple of {multiple}, on which "
                         f"{settings.method} works as config.hyper has it, got "
                         f"{settings.data.crop}")


def _check_scale(
    settings: settings_.Settings, method: base.Method, stores: list[store_.Store],
    degrader: degrading.Degrader | None,
) -> None:
    """ValueError unless the pairs' clean side over the noisy one is what the method learns from."""
    taken = base.pair_scale(method)
    held = {each.path: each.scale for each in stores}
    if degrader:
        held = {f"config.data.degradation={settings.data.degradation}": degrader.scale}
    for where, scale in held.items():
        if scale != taken:
            raise ValueError(
                f"{where}: the clean side of these pairs is {scale} times the noisy one, and "
                f"{settings.method}, as config.hyper has it, learns from pairs of {taken} times; "
                "take pairs of that scale, or a restorer that enlarges by theirs"
            )


@contextlib.contextmanager
def _batches(task: Task, first: int) -> Iterator[Iterator[Mapping]]:
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
def _recorder(task: Task, start: int) -> Iterator[Callable[[int, Mapping], None]]:
    """A function (step, figures) that writes a row; the first process alone writes."""
    if jax.process_index() != 0:
        yield lambda step, figures: None
        return
    columns = [*task.job.metrics, *ledger.TIMES, *(task.validator.names if task.validator else ())]
    with records.Recorder(task.workdir / "metrics", columns, start) as recorder:
        yield recorder.row


@contextlib.contextmanager
def _stop_requests(writer: checkpoints.Writer) -> Iterator[Callable[[int], bool]]:
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


def _check_same_run(
    workdir: pathlib.Path, before: settings_.Settings, now: settings_.Settings,
    data_before: str, data_now: str,
) -> None:
    differ = settings_.changed(before, now)
    if differ:
        what = "; ".join(f"config.{name} was {old!r}, is {new!r}"
                         for name, (old, new) in differ.items())
        raise ValueError(f"{workdir}: holds a run of another config: {what}. Take another "
                         "--workdir, or go on with the old one by --workdir alone")
    if data_before != data_now:
        raise ValueError(
            f"{workdir}: config.data.stores hold other data than the run began with "
            f"(fingerprint {data_now[:12]}, was {data_before[:12]}); take another --workdir"
        )


def _check_best(settings: settings_.Settings, validator: validation.Validator) -> None:
    name = settings.best.removeprefix("-")
    if name and name not in validator.names:
        raise ValueError(f"config.best: {name!r} is not measured; "
                         f"{fields.nearest(name, validator.names)}")


def _folder(task: Task) -> pathlib.Path:
    return task.workdir / "checkpoints"

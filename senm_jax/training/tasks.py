"""What a run needs, opened and checked before anything compiles or is written."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from senm_jax.data import configurations, degrading
from senm_jax.data import pipeline as pipeline_
from senm_jax.data import store as store_
from senm_jax.methods import base
from senm_jax.training import assembly, changes, checkpoints, fields, runs, starts, validation
from senm_jax.training import settings as settings_


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

    @property
    def checkpoints(self) -> pathlib.Path:
        """The folder of the run's checkpoints."""
        return _checkpoints(self.workdir)


def prepare(config: Any, workdir: str | os.PathLike) -> Task:
    """Everything a run needs, opened and checked before anything compiles.

    Raises:
        ValueError: the config is refused, the data is missing, or the folder holds another run.
    """
    settings, workdir = _with_configurations(settings_.resolve(config)), pathlib.Path(workdir)
    method = settings_.make_method(settings)
    _check_crop(settings, method)
    if settings.steps and not method.players:
        raise ValueError(
            f"config.steps: expected 0, {settings.method} learns nothing, got {settings.steps}")
    learns = bool(method.players) or any(settings.data.rows.values())
    degrader = settings_.make_degrader(settings)
    pipeline = _open_data(settings, method, degrader) if learns else None
    fingerprint = pipeline.fingerprint if pipeline else ""
    if (workdir / "config.json").exists():
        before = runs.read_config(workdir)
        changes.refuse(workdir, before, settings, runs.read_about(workdir)["data"], fingerprint)
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
    begins = settings.start and not checkpoints.steps(_checkpoints(workdir))
    start = starts.read(settings.start, job.abstract) if begins else {}
    return Task(workdir, settings, pipeline, fingerprint, first_batch, job, validator, start)


def _checkpoints(workdir: pathlib.Path) -> pathlib.Path:
    return workdir / "checkpoints"


def _with_configurations(settings: settings_.Settings) -> settings_.Settings:
    """The settings with ``hyper.configurations``, where it is there and empty, filled in from the
    training stores, so that config and checkpoints hold the table that was learnt."""
    if settings.hyper.get("configurations") != ():
        return settings
    found = learnt_configurations(_stores(settings), settings.data.rows)
    return dataclasses.replace(settings, hyper={**settings.hyper, "configurations": found})


def learnt_configurations(
    stores: Sequence[store_.Store], rows: Mapping[str, int]
) -> tuple[str, ...]:
    """Names of the camera configurations of all noisy patches that rows are drawn of, sorted.

    Raises:
        ValueError: there is none.
    """
    found = {
        name for each in stores for domain in each.domains
        if rows.get(domain) and "noisy" in store_.SIDES[domain]
        for name in configurations.names(each.tags(domain)) if name is not None
    }
    if not found:
        have = ", ".join(str(each.path) for each in stores)
        raise ValueError(
            f"{have}: expected noisy patches with the camera that took them, found none; prepare "
            "them of photographs whose EXIF tells it"
        )
    return tuple(sorted(found))


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


def _check_best(settings: settings_.Settings, validator: validation.Validator) -> None:
    name = settings.best.removeprefix("-")
    if name and name not in validator.names:
        raise ValueError(f"config.best: {name!r} is not measured; "
                         f"{fields.nearest(name, validator.names)}")

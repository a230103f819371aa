"""A run's folder: what made it, and what it has learnt."""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax

from senm_jax.data import files
from senm_jax.methods import base
from senm_jax.training import checkpoints, optimisers, platform, saving
from senm_jax.training import settings as settings_
from senm_jax.training import state as state_
from senm_jax.training import trees

digest = trees.digest


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained method, ready to be applied."""

    path: pathlib.Path
    config: settings_.Settings
    method: base.Method
    variables: Mapping[str, Mapping[str, Any]]
    """``{player: {"params", "statistics"}}``, NumPy arrays."""
    step: int
    data: str
    """Fingerprint of the data it learnt from; "" for none."""


def open(path: str | os.PathLike, step: int | None = None) -> Run:
    """The run in a folder as it was after ``step`` steps.

    Without ``step``: the best checkpoint where config.best names a figure, else the latest.
    Parameters and statistics alone are read, and checked against their digest.

    Raises:
        ValueError: the folder is no run, or has no whole checkpoint, or not that of ``step``.
    """
    path = pathlib.Path(path)
    config = read_config(path)
    folder = path / "checkpoints"
    if step is None:
        parts, meta = checkpoints.newest(folder, config.best)
    elif step in checkpoints.steps(folder):
        parts, meta = checkpoints.read(folder, step)
    else:
        raise ValueError(
            f"{path}: no checkpoint of step {step}; there are {checkpoints.steps(folder)}"
        )
    variables = {player: {"params": parts["params"][player],
                          "statistics": parts["statistics"][player]}
                 for player in parts["params"]}
    method = settings_.make_method(config)
    return Run(path, config, method, variables, meta["step"], meta["data"])


def create(
    path: str | os.PathLike, config: settings_.Settings, variables: Mapping, data: str = ""
) -> Run:
    """A run made of given variables, as if it had trained 0 steps; its optimisers are at rest.

    Raises:
        ValueError: the folder holds a run already, or what is left of one, or the variables are
            not the method's players.
    """
    path = pathlib.Path(path)
    if (path / "config.json").exists():
        raise ValueError(f"{path}: expected a new folder, but it holds a run; choose another")
    if checkpoints.steps(path / "checkpoints"):
        raise ValueError(f"{path}: expected a new folder, but it holds checkpoints without a "
                         "config.json, as one does whose making was broken off; remove it")
    method = settings_.make_method(config)
    if not set(method.players) <= set(variables):
        raise ValueError(
            f"{path}: expected variables of {sorted(method.players)}, got {sorted(variables)}"
        )
    state = state_.begin(variables, optimisers.make_all(config.optimisers, config.steps))
    with saving.Writer(path / "checkpoints", keep=config.keep, best="") as writer:
        writer.save(
            state, {"data": data, "config": settings_.plain(config), "window": {}}, {}
        )
    write_about(path, config, data)  # which makes the folder a run, and last so
    return open(path)


def at_level(run: Run, level: float) -> Run:
    """The run, restoring from noise of another standard deviation, on the [0, 1] scale.

    Raises:
        ValueError: its restorer is not told the noise's level, or the level is not in (0, 1].
    """
    if not run.method.takes_level:
        raise ValueError(f"{run.path}: its restorer is not told the noise's level; leave it out")
    if not 0 < level <= 1:
        raise ValueError(f"level: expected a standard deviation in (0, 1], got {level}")
    config = dataclasses.replace(run.config, hyper={**run.config.hyper, "level": float(level)})
    return dataclasses.replace(run, config=config, method=settings_.make_method(config))


def read_config(path: str | os.PathLike) -> settings_.Settings:
    """The settings in a run's config.json.

    Raises:
        ValueError: there is none, or it is not one this version can read.
    """
    file = pathlib.Path(path) / "config.json"
    config = _read_json(file)
    try:
        return settings_.resolve(config)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def read_about(path: str | os.PathLike) -> dict[str, Any]:
    """A run's run.json: versions, devices and data fingerprint of each time it was started.

    Raises:
        ValueError: there is none, or it is not as `write_about` writes it.
    """
    file = pathlib.Path(path) / "run.json"
    about = _read_json(file)
    starts = about.get("starts")
    if not isinstance(about.get("data"), str) or not isinstance(starts, list) or not starts \
            or not all(isinstance(start, dict) for start in starts):
        raise ValueError(f"{file}: expected the data's fingerprint and one entry for each start, "
                         "as a run writes them; restore it from a copy")
    return about


def write_about(path: pathlib.Path, config: settings_.Settings, data: str) -> list[str]:
    """Adds this start to run.json, then writes config.json, which makes the folder a run.

    Returns the names of the facts that differ from those of the start before.
    """
    path.mkdir(parents=True, exist_ok=True)
    starts = read_about(path)["starts"] if (path / "run.json").exists() else []
    facts = platform.facts()
    _write_json(path / "run.json", {"data": data, "starts": [*starts, facts]})
    _write_json(path / "config.json", settings_.plain(config))
    return [name for name in facts if starts and starts[-1].get(name) != facts[name]]


@contextlib.contextmanager
def held(path: pathlib.Path) -> Iterator[None]:
    """Keeps other processes of this machine from training in the folder meanwhile.

    Raises:
        ValueError: one does already.
    """
    refusal = (f"{path}: another process is training in this folder; stop it first, or take "
               "another --workdir")
    with files.held(path, refusal):
        yield


def counts(variables: Mapping) -> dict[str, int]:
    """Number of parameters of each player."""
    return {player: sum(leaf.size for leaf in jax.tree.leaves(entry["params"]))
            for player, entry in variables.items()}


def digests(variables: Mapping) -> dict[str, str]:
    """Digest of each player's parameters, and of all as "total"."""
    params = {player: entry["params"] for player, entry in variables.items()}
    return {player: digest(tree) for player, tree in params.items()} | {"total": digest(params)}


def _read_json(file: pathlib.Path) -> dict[str, Any]:
    if not file.is_file():
        raise ValueError(
            f"{file.parent}: expected a run's folder, which has a {file.name}; got a folder "
            "without one, or none"
        )
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file}: expected JSON as a run writes it: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected a JSON object as a run writes it, got "
                         f"{type(content).__name__}")
    return content


def _write_json(file: pathlib.Path, content: dict) -> None:
    files.replace(file, json.dumps(content, indent=2).encode() + b"\n")

"""Runs made of official checkpoints, and official checkpoints made of runs.

What a file holds and our parameters do not (batch normalisation's counters, NAFlow's weights that
never act, its names' prefix, its types) is kept beside the run, in ``imported/PART.safetensors``,
so that an untouched run is written back byte for byte.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax import methods
from senm_jax.data import files
from senm_jax.interop import networks, safetensors, systems, tensor_files, torch_layout
from senm_jax.training import runs
from senm_jax.training import settings as settings_

_SIDE = 64
_ADAM = settings_.Optimiser(
    learning_rate=1e-4, b1=0.9, b2=0.999, eps=1e-8, schedule="steps", halve_at=(), decay=0.5,
    final=0.0, warmup=0, skip_above=0.0, skip_norm_of=".*",
)
_Path = str | os.PathLike


class Imported(NamedTuple):
    """A run, and which of its networks no file was given for: they have fresh values."""

    run: runs.Run
    fresh: tuple[str, ...]


def load(
    name: str, paths: Mapping[str, _Path], out: _Path, config: settings_.Settings | None = None
) -> Imported:
    """A new run of step 0 in ``out`` with the weights of a system's official files.

    Args:
        name: one of `systems.SYSTEMS`.
        paths: the file of each part that there is one for.
        config: what the files do not say; they go before it where they say the sizes. None takes
            the defaults of the method's `Config`, no stores, and Adam at 1e-4.

    Raises:
        ValueError: no such system or part, a file that is none of its, entries that are missing,
            unknown, of another shape or of a type that float32 does not hold, or a folder that
            holds a run already.
    """
    system, out = systems.find(name), pathlib.Path(out)
    if (out / "config.json").exists():
        raise ValueError(f"{out}: expected a new folder, but it holds a run; choose another")
    unknown = sorted(set(paths) - set(system.parts))
    if unknown or system.main not in paths:
        raise ValueError(
            f"{name}: expected a file of {system.main}, and of {list(system.parts)[1:]} if there "
            f"are any; got {sorted(paths)}"
        )
    found = {part: systems.read(name, part, path) for part, path in paths.items()}
    config, hyper = _settled(system, found, config)
    method = settings_.make_method(config)
    shapes = jax.eval_shape(lambda: _fresh(method, config))
    variables = _fresh(method, config) if _lacks(system, found, shapes) else {}
    for part, file in found.items():
        variables, kept = _taken(system.parts[part], file, hyper, shapes, variables)
        (out / "imported").mkdir(parents=True, exist_ok=True)
        files.replace(_record(out, part), kept)
    fresh = tuple(part for part, each in system.parts.items()
                  if part not in found and each.player in method.players)
    return Imported(runs.create(out, config, variables), fresh)


def save(run: runs.Run, path: _Path, part: str | None = None) -> int:
    """Writes a part of a run as the official file; the number of its entries.

    Names and types are those of the file that the run was imported from, else the published.

    Args:
        run: of a method that a system of `systems.SYSTEMS` has.
        path: its ending says the format, see `tensor_files.write`.
        part: None takes the first.

    Raises:
        ValueError: the run has no published form or no such part, or an unknown ending.
    """
    tensor_files.check_ending(path)
    system = systems.of_run(run.config)
    part = system.main if part is None else part
    there = [name for name, each in system.parts.items() if each.player in run.variables]
    if part not in there:
        raise ValueError(f"--part: this run has {', '.join(there)}, got {part!r}")
    row = system.parts[part]
    state = row.write(row.get(run.variables), run.config.hyper)
    wrapper, prefix = system.wrapper, system.prefix
    if _record(run.path, part).exists():
        kept, about = safetensors.read(_record(run.path, part).read_bytes())
        about = json.loads(about["file"])
        wrapper, prefix = about["wrapper"], about["prefix"]
        state = {name: _restored(state[row.name(name)], row.name(name), kept, kind)
                 for name, kind in about["types"].items()}
    pathlib.Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    tensor_files.write(path, {prefix + name: value for name, value in state.items()}, wrapper)
    return len(state)


def _settled(system, found, config):
    """The run's settings and `Config`'s fields, with the sizes that the files show."""
    module = methods.load(system.method)
    if config is None:
        hyper = dataclasses.asdict(module.Config())
        hyper |= system.alone if list(found) == [system.main] else {}
    elif config.method != system.method:
        raise ValueError(f"--config: expected the method {system.method}, got {config.method}")
    else:
        hyper = dict(config.hyper)
        for name, value in system.fixed.items():
            if hyper[name] != value:
                raise ValueError(f"--config: hyper.{name}: expected {value!r}, as {system.method} "
                                 f"was published, got {hyper[name]!r}")
    hyper |= system.fixed
    for part, file in found.items():
        for field, value in _shown(system.parts[part], file).items():
            hyper[field] = {**hyper[field], **value} if isinstance(value, dict) else value
    if config is None:
        players = module.make(module.Config(**hyper)).players
        config = _plain(system.method, players)
    return dataclasses.replace(config, hyper=hyper), hyper


class _Entries(dict):
    """A state dict that names what is looked up in vain."""

    def __missing__(self, name):
        raise ValueError(f"state dict: missing entries: {name}"
                         f"{torch_layout.nearest(name, self, 'there')}")


def _shown(row: networks.Part, file: systems.File) -> dict[str, Any]:
    try:
        return row.hyper(_Entries(file.state))
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"{file.path}: the network's sizes cannot be read: {error}") from error


def _plain(method: str, players: tuple[str, ...]) -> settings_.Settings:
    """Settings of a run that is to be applied, and not trained on."""
    return settings_.Settings(
        method=method, hyper={}, seed=0, steps=0,
        data=settings_.Data((), (), dict.fromkeys(settings_.DOMAINS, 0), _SIDE, ""),
        optimisers=dict.fromkeys(players, _ADAM), log_every=100, checkpoint_every=5000,
        validate_every=5000, keep=2, best="", compute=settings_.Compute("default", False),
        mesh=settings_.Mesh(-1, 1), sharding=(),
    )


def _fresh(method, config: settings_.Settings) -> dict[str, Any]:
    """The method's initial variables, from the config's seed."""
    image = np.zeros((1, _SIDE, _SIDE, 3), np.uint8)
    pair = {"clean": image, "noisy": image, "configuration": np.zeros(1, np.int32)}
    return method.init(jax.random.key(config.seed), {"paired": pair})


def _lacks(system, found, shapes: Mapping) -> bool:
    """Whether a network of some player comes from no file; also refuses a file of none."""
    given = {player: set() for player in shapes}
    for part, file in found.items():
        row = system.parts[part]
        if row.player not in shapes:
            raise ValueError(f"{file.path}: the config asks for no {part}; it has {list(shapes)}")
        given[row.player].add(row.module)
    return any("" not in modules and modules != set(shapes[player]["params"])
               for player, modules in given.items())


def _taken(row, file: systems.File, hyper, shapes, variables) -> tuple[dict, bytes]:
    """The variables with the file's, and the record of what the file holds besides."""
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), row.get(shapes))
    expected = row.write(zeros, hyper)
    try:
        torch_layout.check(file.state, expected)
        state = {name: _cast(name, value, expected[name].dtype)
                 for name, value in file.state.items()}
        tree = row.read(state)
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}") from error
    about = {"wrapper": file.wrapper, "prefix": file.prefix,
             "types": {name: str(value.dtype)
                       for name, value in zip(file.names, file.state.values(), strict=True)}}
    kept, written = {}, row.write(tree, hyper)
    for name, value in state.items():
        places = np.asarray(_bits(value) != _bits(written[name]))
        if places.any():
            kept |= {f"places/{name}": places, f"values/{name}": value}
    return row.put(variables, tree), safetensors.write(kept, {"file": json.dumps(about)})


def _cast(name: str, value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The same values in the type that we keep them in.

    Raises:
        ValueError: it does not hold them all.
    """
    kinds = [np.integer if jnp.issubdtype(t, np.integer) else
             np.floating if jnp.issubdtype(t, np.floating) else None
             for t in (value.dtype, dtype)]
    cast = value.astype(dtype)
    if kinds[0] != kinds[1] or not np.array_equal(cast.astype(value.dtype), value):
        raise ValueError(f"state dict: {name}: expected numbers that {dtype} holds, got "
                         f"{value.dtype}")
    return cast


def _restored(value: np.ndarray, name: str, kept: Mapping, kind: str) -> np.ndarray:
    """An entry with what the file held besides, in the file's type if that holds its values."""
    if f"places/{name}" in kept:
        value = np.where(kept[f"places/{name}"], kept[f"values/{name}"], value)
    cast = value.astype(jnp.dtype(kind))
    return cast if np.array_equal(cast.astype(value.dtype), value) else value


def _bits(value: np.ndarray) -> np.ndarray:
    # Not ascontiguousarray, which makes a vector of a number.
    return np.asarray(value, order="C").view(f"u{value.itemsize}")


def _record(run: _Path, part: str) -> pathlib.Path:
    return pathlib.Path(run) / "imported" / f"{part}.safetensors"

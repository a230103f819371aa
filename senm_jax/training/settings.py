"""A run's settings as frozen dataclasses: the one place where a config is read and checked."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from senm_jax import methods
from senm_jax.data import degrading
from senm_jax.degradations import parameters
from senm_jax.methods import base
from senm_jax.training import fields

PRECISIONS = ("default", "bfloat16", "tensorfloat32", "float32")
DOMAINS = ("paired", "source", "target")


@dataclasses.dataclass(frozen=True)
class Data:
    """Which patches a run learns from, and how its batches are cut."""

    stores: tuple[str, ...]
    """Paths of patch stores."""
    weights: tuple[float, ...]
    """Share of each store in every domain's rows; () draws by patch count."""
    rows: dict[str, int]
    """Rows of each domain in a batch of all hosts; 0 leaves the domain out."""
    crop: int
    """Side of the square crops, pixels."""
    validation: str
    """Path of the patch store that validation measures; "" for none."""
    degradation: str = ""
    """``NAME,KEY=VALUE,...`` of `degradations.parameters`: makes the rows of ``paired`` of patches
    of ``source``, and validation's pairs where its store has none; "": pairs are the stores'."""
    degradation_per_batch: bool = False
    """Whether a batch's rows share what is drawn of the degradation's parameters."""


@dataclasses.dataclass(frozen=True)
class Optimiser:
    """One player's Adam, its learning rate by step, and its guard."""

    learning_rate: float
    b1: float
    b2: float
    eps: float
    schedule: str
    """"steps": constant but for `halve_at`; "cosine": falls to `final` at the last step."""
    halve_at: tuple[int, ...]
    """After each of these steps the rate is multiplied by `decay`."""
    decay: float
    final: float
    """Learning rate that the cosine ends at, and that no decay goes below."""
    warmup: int
    """Steps over which the rate rises linearly to its full value; 0 for none."""
    skip_above: float
    """The update is skipped unless the gradient norm is below this; 0 never skips."""
    skip_norm_of: str
    """Regex, searched in parameter paths, of the parameters whose gradient norm is tested."""
    skip_not_finite: int = 0
    """So many updates may be skipped, and are counted, before a loss or gradient that is not finite
    stops the run; 0: the first does."""
    weight_decay: float = 0.0
    """Of AdamW: beside Adam's update, parameters shrink by this times the learning rate."""
    clip_norm: float = 0.0
    """Gradients whose norm is above this are scaled down to it; 0 leaves all as they are."""


@dataclasses.dataclass(frozen=True)
class Compute:
    """How the arithmetic is done."""

    matmul_precision: str
    """Of products of float32 matrices, one of `PRECISIONS`; "default" is the device's fastest."""
    deterministic: bool
    """Ask XLA for reproducible GPU operations."""


@dataclasses.dataclass(frozen=True)
class Mesh:
    """How many devices each axis spans; -1 for `data` takes as many as divide the batch."""

    data: int
    model: int


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run."""

    method: str
    hyper: dict[str, Any]
    """Fields of the method's `Config`."""
    data: Data
    seed: int
    steps: int
    optimisers: dict[str, Optimiser]
    """One for each player of the method."""
    log_every: int
    checkpoint_every: int
    validate_every: int
    keep: int
    """How many of the latest checkpoints are kept."""
    best: str
    """Validation figure whose highest value is kept too ("-" before it: lowest); "" for none."""
    compute: Compute
    mesh: Mesh
    sharding: tuple[tuple, ...]
    """Ordered (path regex, axes) pairs, the first match places a parameter; () replicates all."""
    start: str = ""
    """A run's folder, whose players of the same names training starts from; "": all afresh."""


def resolve(config: Any) -> Settings:
    """The settings that ``config`` asks for: a ConfigDict, a dict as in config.json, or Settings.

    Hyperparameters that it leaves out are the method's defaults.

    Raises:
        ValueError: a field is unknown, missing, of the wrong type or out of range, or there is no
            such method.
    """
    if isinstance(config, Settings):
        return config
    plain_config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    settings = fields.build(Settings, tuples(plain_config), "config")
    _check(settings)
    defaults = fields.defaults(methods.load(settings.method).Config)
    return dataclasses.replace(settings, hyper=defaults | settings.hyper)


def make_method(settings: Settings) -> base.Method:
    """The method with its hyperparameters.

    Raises:
        ValueError: there is no such method, a hyperparameter is unknown, missing or of the
            wrong type, or the optimisers are not one for each player.
    """
    module = methods.load(settings.method)
    hyper = fields.build(module.Config, settings.hyper, "config.hyper")
    try:
        method = module.make(hyper)
    except ValueError as error:
        field = str(error).partition(":")[0].partition(".")[0]
        raise ValueError(f"config.hyper.{error}" if hasattr(hyper, field) else error) from error
    if set(settings.optimisers) != set(method.players):
        raise ValueError(
            f"config.optimisers: expected one for each player of {settings.method}, "
            f"{sorted(method.players)}, got {sorted(settings.optimisers)}"
        )
    return method


def make_degrader(settings: Settings) -> degrading.Degrader | None:
    """What makes pairs of clean patches; None where nothing does.

    Raises:
        ValueError: the kind or a parameter is unknown, or a parameter is out of range.
    """
    data = settings.data
    if not data.degradation:
        return None
    try:
        of = parameters.parse(data.degradation)
        return degrading.Degrader(of, data.degradation_per_batch)
    except ValueError as error:
        raise ValueError(f"config.data.degradation: {error}") from None


def plain(settings: Settings) -> dict:
    """The settings as nested dicts and lists, as config.json holds them."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def tuples(value):
    """The same nested dicts with tuples where JSON has lists."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(tuples(item) for item in value)
    return value


_NOT_NEGATIVE = ("learning_rate", "eps", "decay", "final", "warmup", "skip_above",
                 "skip_not_finite", "weight_decay", "clip_norm")


def _check(settings: Settings) -> None:
    data = settings.data
    for domain, rows in data.rows.items():
        if domain not in DOMAINS:
            raise ValueError(f"config.data.rows: expected domains of {DOMAINS}, got {domain!r}")
        if rows < 0:
            raise ValueError(f"config.data.rows.{domain}: expected 0 or more, got {rows}")
    if data.weights and len(data.weights) != len(data.stores):
        raise ValueError(
            f"config.data.weights: expected one for each of {len(data.stores)} stores or none, "
            f"got {len(data.weights)}"
        )
    positive = ("log_every", "checkpoint_every", "validate_every", "keep")
    low = [(f"config.{name}", getattr(settings, name), 1) for name in positive]
    low += [(f"config.optimisers.{player}.{name}", getattr(each, name), 0)
            for player, each in settings.optimisers.items()
            for name in _NOT_NEGATIVE]
    low += [("config.steps", settings.steps, 0), ("config.data.crop", data.crop, 1),
            ("config.mesh.model", settings.mesh.model, 1)]
    for name, value, least in low:
        if not least <= value < math.inf:
            raise ValueError(f"{name}: expected {least} or more, got {value}")
    if not 0 <= settings.seed < 2**63:
        raise ValueError(f"config.seed: expected 0 to 2**63 - 1, got {settings.seed}")
    if settings.mesh.data != -1 and settings.mesh.data < 1:
        raise ValueError(f"config.mesh.data: expected -1 or 1 or more, got {settings.mesh.data}")
    if settings.best and not data.validation:
        raise ValueError(
            f"config.best: {settings.best!r} is measured by validation, but config.data.validation "
            "names no store; name one, or set config.best to ''"
        )
    for player, optimiser in settings.optimisers.items():
        where = f"config.optimisers.{player}"
        for name in ("b1", "b2"):
            if not 0 <= getattr(optimiser, name) < 1:
                raise ValueError(
                    f"{where}.{name}: expected at least 0 and below 1, got "
                    f"{getattr(optimiser, name)}"
                )
        _check_choice(f"{where}.schedule", optimiser.schedule, ("steps", "cosine"))
        _check_regex(f"{where}.skip_norm_of", optimiser.skip_norm_of)
    _check_choice("config.compute.matmul_precision", settings.compute.matmul_precision, PRECISIONS)
    for i, rule in enumerate(settings.sharding):
        if len(rule) != 2 or not isinstance(rule[0], str) or not isinstance(rule[1], tuple):
            raise ValueError(f"config.sharding[{i}]: expected (path regex, axes), got {rule!r}")
        _check_regex(f"config.sharding[{i}]", rule[0])


def _check_choice(where: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{where}: expected one of {', '.join(known)}, got {value!r}")


def _check_regex(where: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{where}: expected a regular expression, got {pattern!r}: {error}") \
            from error

"""The parameters of each kind of degradation, as plain values: no array, nothing that imports JAX.

A kind is asked for by its name and parameters: in a config by ``data.degradation``, in commands by
``NAME,KEY=VALUE,...``, where a VALUE is a number, ``true``, ``false``, a word, or several of these
with colons between them.
"""

import dataclasses
import difflib
import math
import typing
from collections.abc import Mapping
from typing import Any

Range = tuple[float, ...]
"""One number, or the lowest and the highest of those drawn uniformly between them."""


def _field(default: Any, meaning: str) -> Any:
    return dataclasses.field(default=default, metadata={"meaning": meaning})


@dataclasses.dataclass(frozen=True)
class AWGN:
    """White Gaussian noise."""

    sigma_255: Range = _field((5.0, 70.0), "standard deviation in 8-bit units")


@dataclasses.dataclass(frozen=True)
class AWGNFixed:
    """White Gaussian noise, the same for every image of a size: that of VDIR's test script."""

    sigma_255: float = _field(30.0, "standard deviation in 8-bit units")


@dataclasses.dataclass(frozen=True)
class Heteroscedastic:
    """Gaussian noise whose strength follows the pixel's value."""

    signal: Range = _field((0.0, 0.16), "weight of the part that follows the value")
    read: Range = _field((0.0, 0.06), "standard deviation of the part that does not")
    law: str = _field("quadratic", "of the variance: quadratic, signal^2 x^2 + read^2, as CBDNet's "
                      "code, or linear, signal^2 x + read^2, as its text")


@dataclasses.dataclass(frozen=True)
class CameraPipeline(Heteroscedastic):
    """CBDNet's camera: noise in raw light, mosaic, demosaicing, a response curve, perhaps JPEG."""

    patterns: tuple[str, ...] = _field(("gbrg", "grbg", "bggr", "rggb", "none"),
                                       "mosaics that one is drawn from")
    curves: int = _field(201, "how many generated response curves one is drawn from")
    curves_file: str = _field("", "an .npz with irradiance and brightness [n, samples] to take "
                              "instead")
    jpeg: tuple[int, ...] = _field((), "the lowest and highest quality of a JPEG at the end, as "
                                   "60:100 in CBDNet's text; without it there is none")


@dataclasses.dataclass(frozen=True)
class Darken:
    """Too little light: ``gain * x**gamma``."""

    gamma: Range = _field((1.5, 2.5), "exponent")
    gain: Range = _field((0.15, 0.4), "what white becomes")


@dataclasses.dataclass(frozen=True)
class Blur:
    """A Gaussian blur, then every ``scale``-th pixel."""

    scale: int = _field(2, "clean size over noisy")
    widths: tuple[float, ...] = _field((), "the kernel's two variances, or one for both; without "
                                       "them widths and angle are drawn as MZSR's")
    angle: float = _field(0.0, "of the first width's axis, radians")


@dataclasses.dataclass(frozen=True)
class Bicubic:
    """MATLAB's bicubic reduction with antialiasing."""

    scale: int = _field(4, "clean size over noisy")


@dataclasses.dataclass(frozen=True)
class JPEG:
    """JPEG compression by libjpeg: 4:2:0, its own tables."""

    quality: tuple[int, ...] = _field((10, 20, 30, 40, 50, 60, 70, 80),
                                      "qualities, 1 to 100, that one is drawn from")
    luma: bool = _field(False, "compress MATLAB's 8-bit Y as a grey image; clean becomes Y too")


KINDS = {
    "awgn": AWGN,
    "awgn_fixed": AWGNFixed,
    "heteroscedastic": Heteroscedastic,
    "camera_pipeline": CameraPipeline,
    "darken": Darken,
    "blur": Blur,
    "bicubic": Bicubic,
    "jpeg": JPEG,
}
Parameters = (AWGN | AWGNFixed | Heteroscedastic | CameraPipeline | Darken | Blur | Bicubic
              | JPEG)


def build(name: str, values: Mapping[str, Any], where: str = "degradation") -> Parameters:
    """The kind's parameters; those left out keep their defaults. ``where`` begins messages.

    Raises:
        ValueError: an unknown kind or parameter, or a value of the wrong type or out of range.
    """
    if name not in KINDS:
        raise ValueError(f"{where}: expected one of {', '.join(KINDS)}, got {name!r}"
                         f"{_hint(name, KINDS)}")
    kind = KINDS[name]
    types = typing.get_type_hints(kind)
    for key in values:
        if key not in types:
            raise ValueError(f"{where}.{key}: {name} has the parameters {', '.join(types)}"
                             f"{_hint(key, types)}")
    made = kind(**{key: _cast(types[key], value, f"{where}.{key}")
                   for key, value in values.items()})
    for key in types:
        _check(key, getattr(made, key), f"{where}.{key}")
    return made


def parse(spec: str) -> Parameters:
    """The parameters that ``NAME,KEY=VALUE,...`` asks for.

    Raises:
        ValueError: as `build`, or a part is no KEY=VALUE.
    """
    name, values = split(spec)
    return build(name, values, name)


def split(spec: str) -> tuple[str, dict[str, Any]]:
    """Name and values of ``NAME,KEY=VALUE,...``.

    Raises:
        ValueError: a part is no KEY=VALUE.
    """
    name, *parts = spec.split(",")
    values = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign:
            raise ValueError(f"{spec}: expected NAME,KEY=VALUE,..., got the part {part!r}")
        values[key.strip()] = literal(value.strip())
    return name.strip(), values


def literal(word: str) -> Any:
    """What is meant: by ``5:70`` several values, by ``true`` a truth, by ``3`` a number; or a word.
    """
    if ":" in word:
        return tuple(literal(part) for part in word.split(":"))
    if word in ("true", "false"):
        return word == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            pass
    return word


def text(value: Any) -> str:
    """The value as `literal` reads it."""
    if isinstance(value, (tuple, list)):
        return ":".join(map(text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def name_of(parameters: Parameters) -> str:
    """The kind that these are parameters of."""
    return next(name for name, kind in KINDS.items() if type(parameters) is kind)


def about(parameters: Parameters) -> dict[str, Any]:
    """Kind and parameters as JSON values."""
    values = dataclasses.asdict(parameters)
    return {"name": name_of(parameters),
            "parameters": {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


def _cast(kind: Any, value: Any, where: str) -> Any:
    """The value as its field's type; one value stands for a tuple of one."""
    if typing.get_origin(kind) is tuple:
        items = value if isinstance(value, (tuple, list)) else (value,)
        return tuple(_cast(typing.get_args(kind)[0], item, where) for item in items)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value


_LIMITS = {"sigma_255": (0, None), "signal": (0, None), "read": (0, None), "gamma": (0, None),
           "gain": (0, None), "curves": (1, None), "scale": (1, None), "quality": (1, 100),
           "jpeg": (1, 100), "widths": (1e-6, None)}
_COUNTS = {"sigma_255": (1, 2), "signal": (1, 2), "read": (1, 2), "gamma": (1, 2),
           "gain": (1, 2), "jpeg": (0, 1, 2), "widths": (0, 1, 2)}
_WORDS = {"law": ("quadratic", "linear"), "patterns": ("gbrg", "grbg", "bggr", "rggb", "none")}
_RANGES = ("sigma_255", "signal", "read", "gamma", "gain", "jpeg")


def _check(key: str, value: Any, where: str) -> None:
    """Raises a ValueError unless every number is within limits and every word is known."""
    items = value if isinstance(value, tuple) else (value,)
    least, most = _LIMITS.get(key, (None, None))
    for item in items:
        if isinstance(item, float) and not math.isfinite(item):
            raise ValueError(f"{where}: expected a finite number, got {item}")
        if least is not None and not least <= item <= (item if most is None else most):
            limits = f"{least} or more" if most is None else f"{least} to {most}"
            raise ValueError(f"{where}: expected {limits}, got {item}")
        if key in _WORDS and item not in _WORDS[key]:
            raise ValueError(f"{where}: expected one of {', '.join(_WORDS[key])}, got {item!r}")
    counts = _COUNTS.get(key)
    if isinstance(value, tuple) and not (len(value) in counts if counts else value):
        expected = " or ".join(map(str, counts)) if counts else "1 or more"
        raise ValueError(f"{where}: expected {expected} values, got {len(value)}")
    if key in _RANGES and list(items) != sorted(items):
        raise ValueError(f"{where}: expected the lowest before the highest, got {value}")


def _hint(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""

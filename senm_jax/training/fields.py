"""Frozen dataclasses from plain values, every field checked by name and type."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any


def build(kind: type, fields: Mapping, where: str) -> Any:
    """The dataclass ``kind`` with these fields; ``where`` is their dotted name in messages.

    A whole number becomes a float where one is wanted. Dataclasses nest; of a union nothing is
    checked.

    Raises:
        ValueError: a field is unknown, missing or of the wrong type.
    """
    if not isinstance(fields, Mapping):
        raise ValueError(f"{where}: expected fields of {kind.__name__}, got {fields!r}")
    hints = typing.get_type_hints(kind)
    known, usual = [field.name for field in dataclasses.fields(kind)], defaults(kind)
    for name in fields:
        if name not in known:
            raise ValueError(f"{where}.{name}: no such setting; {nearest(name, known)}")
    for name in known:
        if name not in fields and name not in usual:
            raise ValueError(f"{where}.{name}: missing; the config must give it")
    return kind(**{name: _cast(hints[name], value, f"{where}.{name}")
                   for name, value in fields.items()})


def defaults(kind: type) -> dict[str, Any]:
    """Of a dataclass, each field's default that has one."""
    found = {}
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the known name nearest to ``name``, or lists them all."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def _cast(kind, value, where: str):
    """``value`` if it fits the annotation ``kind`` (an int where a float is wanted becomes one)."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return build(kind, value, where)
    if origin in (typing.Union, types.UnionType):
        return value
    if origin is tuple and isinstance(value, tuple):
        if not arguments or arguments[-1] is not Ellipsis:
            return value
        return tuple(_cast(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        return {key: _cast(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = origin or kind
    if expected is Any:
        return value
    fits = not isinstance(expected, type) or isinstance(value, expected)
    if not fits or (isinstance(value, bool) and expected in (int, float)):
        raise ValueError(f"{where}: expected {getattr(kind, '__name__', kind)}, got {value!r}")
    return value

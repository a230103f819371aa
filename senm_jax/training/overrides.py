"""``--config FILE:PRESET`` and ``--config.KEY=VALUE``: from words to a config."""

import ast
import difflib
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Iterable, Mapping

import senm_jax

PREFIX = "--config."


def split(argv: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """(the other words, (key, value) of each ``--config.KEY=VALUE`` or ``--config.KEY VALUE``).

    Raises:
        ValueError: a key without a value.
    """
    words, rest, found = list(argv), [], []
    while words:
        word = words.pop(0)
        if not word.startswith(PREFIX):
            rest.append(word)
            continue
        key, equals, value = word.removeprefix(PREFIX).partition("=")
        if not equals:
            if not words:
                raise ValueError(f"{word}: expected a value after it, as {word}=VALUE")
            value = words.pop(0)
        found.append((key, value))
    return rest, found


def load(spec: str):
    """The locked ConfigDict that ``FILE`` or ``FILE:PRESET`` makes with its ``get_config``.

    Raises:
        ValueError: there is no such file, or it is no config, or it refuses the preset.
    """
    name, _, preset = spec.partition(":")
    path = pathlib.Path(name)
    if not path.is_file():
        raise ValueError(f"--config: expected FILE.py or FILE.py:PRESET, found no file {name}")
    source = importlib.util.spec_from_file_location("senm_jax_config", path)
    if source is None:
        raise ValueError(f"--config: expected a Python file, got {name}")
    module = importlib.util.module_from_spec(source)
    # Configs import each other as configs.NAME, from wherever the command is run and they lie.
    above = [parent.parent for parent in path.resolve().parents if parent.name == "configs"]
    above.append(pathlib.Path(senm_jax.__file__).parents[1])
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in above]
    try:
        source.loader.exec_module(module)
        try:
            inspect.signature(module.get_config).bind(preset)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{name}: expected a function get_config(preset): {error}") from error
        config = module.get_config(preset)
    finally:
        sys.path[:] = before
    if not hasattr(config, "lock"):
        raise ValueError(f"{name}: expected a ConfigDict of ml_collections from get_config, got "
                         f"{type(config).__name__}")
    return config.lock()


def apply(config, overrides: Iterable[tuple[str, str]]):
    """The same ConfigDict with values set by their dotted keys, each cast to its leaf's type.

    Raises:
        ValueError: no such key (the nearest is named), or a value of another type.
    """
    for key, text in overrides:
        *above, name = key.split(".")
        holder = config
        for part in above:
            holder = holder[part] if isinstance(holder, Mapping | type(config)) and part in holder \
                else None
            if holder is None:
                break
        if not isinstance(holder, type(config)) or name not in holder:
            raise ValueError(f"{PREFIX}{key}: no such setting; {_nearest(key, config)}")
        if isinstance(holder[name], type(config)):
            raise ValueError(
                f"{PREFIX}{key}: expected one of its settings, as {PREFIX}{key}."
                f"{next(iter(holder[name]), 'NAME')}={text}"
            )
        holder[name] = _cast(text, holder[name], f"{PREFIX}{key}")
    return config


def leaves(config, prefix: str = "") -> list[str]:
    """Dotted keys of all values."""
    keys = []
    for name, value in config.items():
        inside = isinstance(value, type(config))
        keys += leaves(value, f"{prefix}{name}.") if inside else [prefix + name]
    return keys


def _nearest(key: str, config) -> str:
    known = leaves(config)
    ends = {leaf.rpartition(".")[2]: leaf for leaf in reversed(known)}
    close = difflib.get_close_matches(key, known, n=1) or [
        ends[end] for end in difflib.get_close_matches(key.rpartition(".")[2], ends, n=1)
    ]
    return f"did you mean {PREFIX}{close[0]}?" if close else f"known are {', '.join(known)}"


def _cast(text: str, leaf, where: str):
    """The text as a value of the type of ``leaf``."""
    try:
        if isinstance(leaf, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if isinstance(leaf, (tuple, list)):
            kind = type(leaf[0]) if leaf else None
            return tuple(_item(item, kind) for item in _items(text))
        return _item(text, None if leaf is None else type(leaf))
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise ValueError(
            f"{where}: expected {_kind(leaf)}, as {leaf!r} is, got {text!r}"
        ) from error


def _items(text: str) -> list:
    """Elements of ``a,b``, ``(1, 2)``, ``('a', 'b')``, ``('a')`` or nothing."""
    text = text.strip()
    if text[:1] in ("(", "["):
        value = ast.literal_eval(text)
        return list(value) if isinstance(value, (tuple, list)) else [value]
    return [part.strip() for part in text.split(",") if part.strip()]


def _item(value, kind: type | None):
    """A value of type ``kind``; without one, the literal it is, or else the text."""
    if kind is None:
        try:
            return ast.literal_eval(value) if isinstance(value, str) else value
        except (ValueError, SyntaxError):
            return value
    if kind in (tuple, list):
        return tuple(value)
    if kind is int and isinstance(value, str):
        return int(value.replace("_", ""))
    if kind is int and not isinstance(value, int):
        raise ValueError(value)
    return kind(value)


def _kind(leaf) -> str:
    if isinstance(leaf, (tuple, list)):
        inner = f" of {type(leaf[0]).__name__}" if leaf else ""
        return f"a list{inner} (a,b or \"('a', 'b')\")"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(
        type(leaf), type(leaf).__name__)

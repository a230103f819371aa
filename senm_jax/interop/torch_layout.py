"""PyTorch's tensor layouts and ours: plain transpositions, exact both ways."""

import difflib
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


def conv(weight: Float[np.ndarray, "o i kh kw"]) -> Float[np.ndarray, "kh kw i o"]:
    """Our kernel of a convolution's weight."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))


def conv_back(kernel: Float[np.ndarray, "kh kw i o"]) -> Float[np.ndarray, "o i kh kw"]:
    """The convolution's weight of our kernel."""
    return np.ascontiguousarray(np.asarray(kernel).transpose(3, 2, 0, 1))


def dense(weight: Float[np.ndarray, "o i"]) -> Float[np.ndarray, "1 1 i o"]:
    """Our 1x1 kernel of a linear layer's weight."""
    return np.ascontiguousarray(weight.T[None, None])


def dense_back(kernel: Float[np.ndarray, "1 1 i o"]) -> Float[np.ndarray, "o i"]:
    """The linear layer's weight of our 1x1 kernel."""
    return np.ascontiguousarray(np.asarray(kernel)[0, 0].T)


class Layout(NamedTuple):
    """A tensor's form with us, and its way back."""

    read: Callable[[np.ndarray], np.ndarray]
    write: Callable[[np.ndarray], np.ndarray]


TRANSPOSED = Layout(
    lambda weight: np.ascontiguousarray(weight.reshape(weight.shape[0], -1)[None, None]),
    lambda kernel: kernel.reshape(kernel.shape[2], -1, 2, 2),
)
"""Of a 2x2 transposed convolution of stride 2, [i, o, 2, 2]: a 1x1 kernel before a pixel shuffle.
"""
CHANNELS = Layout(np.ravel, lambda value: value[None, :, None, None])
"""Of a value a channel, [1, c, 1, 1]."""
LINEAR = Layout(lambda weight: np.ascontiguousarray(weight.T), lambda kernel: kernel.T)
"""Of a linear layer's weight that stays one."""


def flattened(channels: int) -> Layout:
    """Of the weight of a linear layer whose inputs are an image in the order c, h, w."""
    return Layout(
        lambda weight: np.ascontiguousarray(
            weight.reshape(len(weight), channels, -1).transpose(2, 1, 0).reshape(-1, len(weight))
        ),
        lambda kernel: kernel.reshape(-1, channels, kernel.shape[1]).transpose(2, 1, 0).reshape(
            kernel.shape[1], -1
        ),
    )


class Entry(NamedTuple):
    """Where one official tensor lives with us."""

    path: tuple[str, ...]
    """Collection ("params" or "statistics"), modules, leaf."""
    half: int | None = None
    """0 or 1 where our array holds two official ones side by side on its last axis."""
    linear: bool = False
    """Whether a weight of rank 2 is kept as a 1x1 kernel."""
    layout: Layout | None = None
    """None where rank and ``linear`` say it."""


COUNTER = "num_batches_tracked"
"""Batch normalisation's counter: nobody reads it, it is written as 0, and it may be left out."""
_NAMED = 8
"""So many entries are named of each kind of fault; of the rest the number is."""


def check(state: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    """Refuses a state dict whose names or shapes are not those of ``expected``.

    Raises:
        ValueError: every entry that is missing, unknown or of another shape is named, a name with
            the nearest known one.
    """
    needed = {name for name in expected if not name.endswith(COUNTER)}
    missing, unknown = sorted(needed - set(state)), sorted(set(state) - set(expected))
    wrong = [name for name in expected
             if name in state and np.shape(state[name]) != np.shape(expected[name])]
    shapes = (f"{name} expected {np.shape(expected[name])}, got {np.shape(state[name])}"
              for name in wrong)
    faults = [
        _fault("missing entries", missing, (nearest(n, unknown, "there") for n in missing)),
        _fault("unknown entries", unknown, (nearest(n, expected, "known") for n in unknown)),
        _fault("entries of another shape", shapes, itertools.repeat("")),
    ]
    if any(faults):
        raise ValueError("state dict: " + "; ".join(fault for fault in faults if fault))


def nearest(name: str, known: Iterable[str], which: str) -> str:
    """`` (nearest WHICH: NAME)`` with the known name that is nearest to this one; "" for none."""
    close = difflib.get_close_matches(name, known, 1)
    return f" (nearest {which}: {close[0]})" if close else ""


def _fault(what: str, names: Iterable[str], hints: Iterable[str]) -> str:
    names = list(names)
    shown = [name + hint for name, hint in zip(names[:_NAMED], hints, strict=False)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(shown)}{more}" if names else ""


def read(state: Mapping[str, np.ndarray], table: Mapping[str, Entry]) -> dict[str, Any]:
    """Our nested variables of an official state dict, by a table of its names.

    Raises:
        ValueError: entries are missing, unknown or of the wrong rank; each is named.
    """
    names = {name for name in state if not name.endswith(COUNTER)}
    missing, unknown = sorted(set(table) - names), sorted(names - set(table))
    if missing or unknown:
        hint = [name + nearest(name, unknown, "there") for name in missing]
        raise ValueError(f"state dict: missing entries {hint}, unknown entries {unknown}")
    variables = {"params": {}, "statistics": {}}
    for name, entry in table.items():
        value = np.asarray(state[name])
        if entry.layout:
            value = entry.layout.read(value)
        elif value.ndim == 4:
            value = conv(value)
        elif entry.linear and value.ndim == 2:
            value = dense(value)
        elif value.ndim > 1:
            raise ValueError(f"state dict: {name}: expected rank 1 or 4, got shape {value.shape}")
        place = variables
        for key in entry.path[:-1]:
            place = place.setdefault(key, {})
        leaf = entry.path[-1]
        place[leaf] = np.concatenate([place[leaf], value], -1) if entry.half == 1 else value
    return variables


def write(variables: Mapping[str, Any], table: Mapping[str, Entry]) -> dict[str, np.ndarray]:
    """The official state dict of our variables, in the table's order."""
    state = {}
    for name, entry in table.items():
        value = variables
        for key in entry.path:
            value = value[key]
        value = np.asarray(value)
        if entry.half is not None:
            value = np.split(value, 2, -1)[entry.half]
        if entry.layout:
            value = entry.layout.write(value)
        elif value.ndim == 4:
            value = dense_back(value) if entry.linear else conv_back(value)
        state[name] = np.ascontiguousarray(value)
        if name.endswith("running_var"):
            state[name.replace("running_var", COUNTER)] = np.zeros((), np.int64)
    return state

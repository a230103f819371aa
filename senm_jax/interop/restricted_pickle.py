"""PyTorch's pickles, read without PyTorch and without running anything that they name.

A pickle is a program: it may name any function and call it. Here it is looked through first, and
what it names is swapped for plain data; a name that a dictionary of tensors does not need is
refused before anything is unpickled.
"""

import io
import math
import pickle
import pickletools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.lib import stride_tricks

TYPES = {
    "FloatStorage": np.dtype("float32"),
    "DoubleStorage": np.dtype("float64"),
    "HalfStorage": np.dtype("float16"),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype("int64"),
    "IntStorage": np.dtype("int32"),
    "ShortStorage": np.dtype("int16"),
    "CharStorage": np.dtype("int8"),
    "ByteStorage": np.dtype("uint8"),
    "BoolStorage": np.dtype("bool"),
}
"""PyTorch's names of the types a stored array may have."""


class Dict(dict):
    """A dictionary whose attributes, which PyTorch keeps versions in, are read over."""

    def __setstate__(self, state):
        pass


class StorageType(NamedTuple):
    """A type of `TYPES`, where a pickle names it."""

    dtype: np.dtype


class Storage(NamedTuple):
    """A flat array that tensors lie in; the pickle holds its name alone."""

    key: str
    dtype: np.dtype
    count: int


class Tensor(NamedTuple):
    """Where in a storage a tensor lies; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, flat: np.ndarray) -> np.ndarray:
        """The tensor as an array of its own; ``flat`` is its storage.

        Raises:
            ValueError: it reaches beyond its storage, or is larger than that.
        """
        count = math.prod(self.shape)
        last = self.offset + sum(
            (n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True)
        )
        if count and (count > flat.size or last >= flat.size):
            raise ValueError(
                f"a tensor of shape {self.shape} and strides {self.strides} at {self.offset} does "
                f"not lie in its storage {self.storage.key!r} of {flat.size} elements"
            )
        strides = [stride * flat.itemsize for stride in self.strides]
        start = flat[self.offset:] if count else flat[:0]
        return np.array(stride_tricks.as_strided(start, self.shape, strides), order="C")


def load(stream: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """The next pickle of the stream, with a `Tensor` for each tensor, and the storages it names.

    Raises:
        ValueError: it names something else than dictionaries of tensors need, or is damaged.
    """
    start = stream.tell()
    try:
        _look_through(stream)
        reader = _Unpickler(io.BytesIO(stream.getbuffer()[start:stream.tell()]))
        return reader.load(), reader.storages
    except _Refused as error:
        raise ValueError(str(error)) from None
    except Exception as error:
        # A damaged pickle may raise almost anything.
        raise ValueError(f"expected a pickle that PyTorch wrote; it is damaged: {error}") from error


class _Refused(ValueError):
    """What is named is not on the list."""


def _look_through(stream: io.BytesIO) -> None:
    """Refuses a name that is not in `_ALLOWED`, and a memo that is larger than the pickle."""
    size = len(stream.getbuffer())
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            _allowed(*argument.split(" ", 1))
        if opcode.name.endswith("PUT") and int(argument) > size:
            raise _Refused(f"expected a pickle that PyTorch wrote, got a memo of {argument}")


def _allowed(module: str, name: str) -> Any:
    known = _ALLOWED.get((module, name))
    if known is None:
        raise _Refused(
            f"the file names {module}.{name}, which no dictionary of tensors needs and which is "
            "not run here; save the state dict alone, torch.save(network.state_dict(), FILE)"
        )
    return known


def _rebuild(storage, offset, size, stride, requires_grad, hooks, metadata=None) -> Tensor:
    """As ``torch._utils._rebuild_tensor_v2`` is called."""
    shape, strides = tuple(size), tuple(stride)
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or len(shape) != len(strides):
        raise _Refused("a tensor without a storage, or without a stride for each axis")
    if not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise _Refused(f"a tensor of offset {offset}, shape {shape} and strides {strides}")
    return Tensor(storage, offset, shape, strides)


def _parameter(data, requires_grad, hooks) -> Tensor:
    """As ``torch._utils._rebuild_parameter`` is called."""
    return data


_ALLOWED = {
    ("collections", "OrderedDict"): Dict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", name): StorageType(dtype) for name, dtype in TYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Finds the names of `_ALLOWED` alone."""

    def __init__(self, stream):
        super().__init__(stream)
        self.storages = {}

    def find_class(self, module, name):
        """What stands for the name."""
        return _allowed(module, name)

    def persistent_load(self, pid):
        """The storage that a tensor names: ("storage", type, key, device, count)."""
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise _Refused(f"expected the name of a storage, got {pid!r}")
        _, kind, key, _, count, *view = pid
        if not isinstance(kind, StorageType) or not isinstance(count, int) or any(view):
            raise _Refused(f"a storage of a kind that is not read here: {pid!r}")
        storage = Storage(str(key), kind.dtype, count)
        if self.storages.setdefault(storage.key, storage) != storage:
            raise _Refused(f"storage {key!r} is named with two types or lengths")
        return storage

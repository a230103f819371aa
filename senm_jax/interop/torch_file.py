"""PyTorch's files, read and written without PyTorch: its zip format, and reading the older one.

The zip holds ``data.pkl``, a pickle of the dictionary (`restricted_pickle`), and the bytes of each
storage as ``data/KEY``. The older format, PyTorch's before 1.6, is a row of pickles (a magic
number, the protocol, the system, the dictionary, the storages' keys), then every storage: its
length as int64, and its bytes.
"""

import io
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from senm_jax.interop import restricted_pickle

MAGIC = 0x1950A86A20F9469CFC6C
"""What the older format begins with."""
_PICKLE = "data.pkl"
_ROOT = "archive"
_DAMAGE = (zipfile.BadZipFile, KeyError, TypeError, OverflowError, struct.error, RuntimeError)
"""What reading raises where a file is not as PyTorch writes it, besides ValueError."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every member written: the same tensors give the same file."""


def read(data: bytes) -> Any:
    """What ``torch.save`` put into a file, NumPy arrays for the tensors in its dictionaries.

    Raises:
        ValueError: it is no such file, is damaged, or names what is not run here.
    """
    try:
        if data[:2] == b"PK":
            return _read_zip(data)
        return _read_legacy(data)
    except _DAMAGE as error:
        raise ValueError(f"expected a whole file of torch.save; it is damaged: {error}") from error


def is_zip_of_torch(data: bytes) -> bool:
    """Whether it is a zip archive that holds a ``data.pkl``.

    Raises:
        ValueError: it is a damaged zip archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith(f"/{_PICKLE}") for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"expected a whole file; it is damaged: {error}") from error


def write(state: Mapping[str, np.ndarray], wrapper: str = "") -> bytes:
    """A zip file that ``torch.load`` reads as an OrderedDict of tensors, whose order is kept.

    With ``wrapper`` that dictionary lies in another, under this name.

    Raises:
        ValueError: an array's type is none of PyTorch's.
    """
    kinds = {dtype: name for name, dtype in restricted_pickle.TYPES.items()}
    for name, value in state.items():
        if value.dtype not in kinds:
            raise ValueError(f"{name}: expected a type that PyTorch stores, got {value.dtype}")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        def put(name, data):
            archive.writestr(zipfile.ZipInfo(f"{_ROOT}/{name}", _DATE), data)

        put(_PICKLE, _pickled(state, kinds, wrapper))
        put("byteorder", b"little")
        for i, value in enumerate(state.values()):
            put(f"data/{i}", value.astype(value.dtype.newbyteorder("<")).tobytes())
        put("version", b"3\n")
    return content.getvalue()


def _read_zip(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        squeezed = [each.filename for each in archive.infolist() if each.compress_type]
        if squeezed:
            raise ValueError(f"expected members as torch.save stores them; {squeezed[0]} is packed")
        pickled = next((n for n in archive.namelist() if n.endswith(f"/{_PICKLE}")), _PICKLE)
        root = pickled.removesuffix(_PICKLE)
        tree, _ = restricted_pickle.load(io.BytesIO(archive.read(pickled)))
        big = f"{root}byteorder" in archive.namelist() \
            and archive.read(f"{root}byteorder").strip() == b"big"
        found = {}

        def flat(storage):
            if storage.key not in found:
                stored = archive.read(f"{root}data/{storage.key}")
                found[storage.key] = _flat(storage, stored, ">" if big else "<")
            return found[storage.key]

        return _with_arrays(tree, flat, {})


def _read_legacy(data: bytes) -> Any:
    stream = io.BytesIO(data)
    if restricted_pickle.load(stream)[0] != MAGIC:
        raise ValueError("expected a file of torch.save, got another pickle")
    _, (system, _) = restricted_pickle.load(stream), restricted_pickle.load(stream)
    order = "<" if system["little_endian"] else ">"
    tree, storages = restricted_pickle.load(stream)
    found = {}
    for key in restricted_pickle.load(stream)[0]:
        storage = storages[key]
        count, = struct.unpack(f"{order}q", stream.read(8))
        if count != storage.count:
            raise ValueError(f"storage {key!r}: expected {storage.count} elements, got {count}")
        found[key] = _flat(storage, stream.read(count * storage.dtype.itemsize), order)
    return _with_arrays(tree, lambda storage: found[storage.key], {})


def _flat(storage: restricted_pickle.Storage, stored: bytes, order: str) -> np.ndarray:
    expected = storage.count * storage.dtype.itemsize
    if len(stored) != expected:
        raise ValueError(
            f"storage {storage.key!r}: expected {expected} bytes, got {len(stored)}; the file is "
            "damaged"
        )
    flat = np.frombuffer(stored, storage.dtype)
    return flat.byteswap() if (order == "<") != (sys.byteorder == "little") else flat


def _with_arrays(tree: Any, flat: Callable, done: dict[int, dict]) -> Any:
    """The tree of dictionaries with arrays for its tensors; ``flat`` gives a storage's elements.

    ``done`` has the dictionaries that were met, so that one which is there many times, as a
    hostile file has it, is walked once.
    """
    if isinstance(tree, restricted_pickle.Tensor):
        return tree.array(flat(tree.storage))
    if not isinstance(tree, dict):
        return tree
    if id(tree) not in done:
        done[id(tree)] = {}
        done[id(tree)] |= {key: _with_arrays(value, flat, done) for key, value in tree.items()}
    return done[id(tree)]


def _pickled(state: Mapping[str, np.ndarray], kinds: Mapping, wrapper: str) -> bytes:
    """The program that builds the dictionary, in the words ``torch.save`` uses."""
    empty = b"ccollections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE
    rows = b""
    for i, (name, value) in enumerate(state.items()):
        steps, size = [], 1
        for length in reversed(value.shape):
            steps.insert(0, size)
            size *= max(length, 1)
        storage = [_text("storage"), f"ctorch\n{kinds[value.dtype]}\n".encode(), _text(str(i)),
                   _text("cpu"), _whole(value.size)]
        arguments = [_tuple(storage) + pickle.BINPERSID, _whole(0),
                     _tuple([_whole(n) for n in value.shape]), _tuple([_whole(n) for n in steps]),
                     pickle.NEWFALSE, empty]
        rows += _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + _tuple(arguments)
        rows += pickle.REDUCE
    program = empty + pickle.MARK + rows + pickle.SETITEMS
    if wrapper:
        program = pickle.EMPTY_DICT + _text(wrapper) + program + pickle.SETITEM
    return pickle.PROTO + b"\x02" + program + pickle.STOP


def _text(text: str) -> bytes:
    data = text.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(data)) + data


def _whole(number: int) -> bytes:
    data = pickle.encode_long(number)
    return pickle.LONG1 + bytes([len(data)]) + data


def _tuple(items: list[bytes]) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE

"""Files of named tensors, whoever wrote them: told apart by what they begin with, not by name."""

import io
import os
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from senm_jax.data import files
from senm_jax.interop import safetensors, torch_file

WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict", "model", "netG", "net",
            "generator")
"""Names under which a state dict may lie in a file, the first that is there is taken."""
TORCH, SAFETENSORS, NUMPY = (".pth", ".pt", ".ckpt"), (".safetensors",), (".npz",)
"""Endings of the files that are written."""


class Content(NamedTuple):
    """A file's tensors, and under which of `WRAPPERS` they lay ("" for none)."""

    state: dict[str, np.ndarray]
    wrapper: str


def read(path: str | os.PathLike) -> Content:
    """The named tensors of a file of PyTorch, safetensors or NumPy (``.npz``).

    Nothing in the file is run.

    Raises:
        ValueError: it is none of these, is damaged, or holds no named tensors.
        OSError: it cannot be read.
    """
    try:
        return _unwrapped(_tree(pathlib.Path(path).read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write(path: str | os.PathLike, state: Mapping[str, np.ndarray], wrapper: str = "") -> None:
    """Writes the tensors as the ending says, whole or not at all.

    ``wrapper`` is the name of the dictionary that they lie in, in a file of PyTorch's; the others
    know none.

    Raises:
        ValueError: the ending is none of `TORCH`, `SAFETENSORS` and `NUMPY`.
    """
    check_ending(path)
    suffix = pathlib.Path(path).suffix
    if suffix in TORCH:
        data = torch_file.write(state, wrapper)
    elif suffix in NUMPY:
        data = _npz_bytes(state)
    else:
        data = safetensors.write(state)
    files.replace(path, data)


def check_ending(path: str | os.PathLike) -> None:
    """Refuses a path that `write` has no format for.

    Raises:
        ValueError: as `write`.
    """
    known = (*TORCH, *SAFETENSORS, *NUMPY)
    if pathlib.Path(path).suffix not in known:
        raise ValueError(
            f"{path}: expected a file that ends in {', '.join(known)}, which say what to write"
        )


def _tree(data: bytes) -> Any:
    if data[:2] == b"PK" and not torch_file.is_zip_of_torch(data):
        return _npz(data)
    if data[8:9] == b"{":
        return safetensors.read(data)[0]
    if data[:2] in (b"PK", b"\x80\x02"):
        return torch_file.read(data)
    raise ValueError(
        "expected a file of torch.save, of safetensors or of numpy.savez; it begins with "
        f"{data[:8]!r}"
    )


def _npz_bytes(state: Mapping[str, np.ndarray]) -> bytes:
    data = io.BytesIO()
    np.savez(data, **state)
    return data.getvalue()


def _npz(data: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return dict(stored)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError) as error:
        raise ValueError(f"expected a whole file; it is damaged: {error}") from error


def _unwrapped(tree: Any) -> Content:
    """The tensors by name: the dictionary itself, or the one under the first of `WRAPPERS`."""
    if not isinstance(tree, dict):
        raise ValueError(f"expected a dictionary of tensors, got a {type(tree).__name__}")
    wrapper = next((name for name in WRAPPERS if isinstance(tree.get(name), dict)), "")
    state = tree[wrapper] if wrapper else tree
    others = sorted(str(name) for name, value in state.items()
                    if not (isinstance(name, str) and isinstance(value, np.ndarray)))
    if others or not state:
        raise ValueError(
            f"expected a dictionary of tensors, or one under {', '.join(WRAPPERS)}; got "
            f"{others[:6] or 'an empty one'}, which are no tensors"
        )
    return Content(dict(state), wrapper)

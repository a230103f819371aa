"""safetensors files: 8 bytes of header length, a JSON header, then the arrays' bytes.

The format is Hugging Face's, https://github.com/huggingface/safetensors#format; it holds arrays by
name and text beside them, and nothing that could be run.
"""

import json
import math
import struct
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

TYPES = {
    "F32": np.dtype("float32"), "F64": np.dtype("float64"), "F16": np.dtype("float16"),
    "BF16": np.dtype(jnp.bfloat16), "I64": np.dtype("int64"), "I32": np.dtype("int32"),
    "I16": np.dtype("int16"), "I8": np.dtype("int8"), "U8": np.dtype("uint8"),
    "BOOL": np.dtype("bool"),
}
"""The format's names of types."""
_ABOUT = "__metadata__"
_ALIGNED = 8


def read(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays by name in the file's order, and the text beside them.

    Raises:
        ValueError: it is no safetensors file, or a damaged one.
    """
    try:
        length, = struct.unpack_from("<Q", data)
        header = json.loads(data[8:8 + length])
        about, body = header.pop(_ABOUT, {}), memoryview(data)[8 + length:]
        return {name: _array(name, entry, body) for name, entry in header.items()}, about
    except (struct.error, KeyError, TypeError, AttributeError, UnicodeDecodeError,
            RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"expected a safetensors file; it is damaged: {error!r}") from error


def write(state: Mapping[str, np.ndarray], about: Mapping[str, str] = {}) -> bytes:
    """The file of arrays by name, in their order, with ``about`` beside them.

    Raises:
        ValueError: an array's type is none of the format's.
    """
    kinds = {dtype: name for name, dtype in TYPES.items()}
    header, parts, end = {_ABOUT: dict(about)} if about else {}, [], 0
    for name, value in state.items():
        if value.dtype not in kinds:
            raise ValueError(f"{name}: expected one of {sorted(TYPES)}, got {value.dtype}")
        parts.append(value.astype(value.dtype.newbyteorder("<")).tobytes())
        begin, end = end, end + len(parts[-1])
        header[name] = {"dtype": kinds[value.dtype], "shape": list(value.shape),
                        "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def _array(name: str, entry: Mapping, body: memoryview) -> np.ndarray:
    dtype, shape, (begin, end) = TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
    if min([0, begin, *shape]) < 0 or end > len(body) \
            or math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(
            f"{name}: bytes {begin} to {end} of {len(body)} do not hold {entry['dtype']} "
            f"{tuple(shape)}; the file is damaged"
        )
    stored = np.frombuffer(body[begin:end], dtype.newbyteorder("<")).astype(dtype)
    return stored.reshape(shape)

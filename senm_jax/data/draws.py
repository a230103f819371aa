"""Random integers that are a function of names alone: the same on every host, in every run.

Only the raw output of a Philox counter generator is used, because NumPy promises that stream to
stay as it is and makes no such promise for the distributions built on it.
"""

import hashlib

import numpy as np
from jaxtyping import Int64, UInt64


def raw(count: int, *names: str | int) -> UInt64[np.ndarray, "count"]:
    """``count`` uniform 64-bit integers, the stream of this sequence of names."""
    text = "\0".join(str(name) for name in names).encode("utf-8", "surrogateescape")
    key = np.frombuffer(hashlib.blake2b(text, digest_size=16).digest(), "<u8")
    return np.random.Philox(key=key).random_raw(count)


def below(bound: int | np.ndarray, bits: UInt64[np.ndarray, "*n"]) -> Int64[np.ndarray, "*n"]:
    """Integers in [0, bound), by multiplying the upper 32 bits by ``bound`` and shifting.

    ``bound`` may be one number or one for each draw and is at most 2^31; the bias is below
    bound / 2^32.
    """
    high = np.asarray(bits) >> np.uint64(32)
    return ((high * np.asarray(bound, np.uint64)) >> np.uint64(32)).astype(np.int64)


def permutation(count: int, *names: str | int) -> Int64[np.ndarray, "count"]:
    """A random order of 0 ... count - 1, the stream of this sequence of names."""
    return np.argsort(raw(count, *names), kind="stable").astype(np.int64)

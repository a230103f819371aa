"""Random keys named by purpose, so that one more draw never shifts another."""

import zlib

import jax


def named(key: jax.Array, name: str) -> jax.Array:
    """The key of purpose ``name`` under ``key``; a stable function of both."""
    return jax.random.fold_in(key, zlib.crc32(name.encode("utf-8", "surrogateescape")))

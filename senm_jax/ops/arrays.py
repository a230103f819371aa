"""Rows of several groups in one array, laid out so that a sharded batch stays where it is."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Shaped


def join(groups: Sequence[Shaped[Array, "_ ..."]], blocks: int) -> Shaped[Array, "rows ..."]:
    """All rows of the groups, in ``blocks`` equal blocks that hold their share of every group.

    With one block this is concatenation. Every group's row count must be a multiple of
    ``blocks``; where the row axis is sharded over a divisor of ``blocks``, no row moves.
    """
    rows = sum(group.shape[0] for group in groups)
    shares = [g.reshape(blocks, g.shape[0] // blocks, *g.shape[1:]) for g in groups]
    return jnp.concatenate(shares, axis=1).reshape(rows, *groups[0].shape[1:])


def part(
    rows: Shaped[Array, "rows ..."], start: int, stop: int, blocks: int
) -> Shaped[Array, "part ..."]:
    """The groups between ``start`` and ``stop`` of joined rows, counted in rows of all blocks."""
    per_block = rows.reshape(blocks, rows.shape[0] // blocks, *rows.shape[1:])
    taken = jax.lax.slice_in_dim(per_block, start // blocks, stop // blocks, axis=1)
    return taken.reshape(stop - start, *rows.shape[1:])

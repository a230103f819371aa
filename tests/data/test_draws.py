"""Draws are functions of their names, uniform, and the same everywhere."""

import numpy as np

from senm_jax.data import draws

PINNED = [8003996023755987318, 8586653934388473835]


def test_the_stream_is_pinned():
    """Stores and batches made elsewhere rest on these numbers; they must never change."""
    assert draws.raw(2, "crops", 0, "paired", 1).tolist() == PINNED


def test_names_are_told_apart_and_prefixes_agree():
    assert draws.raw(4, "a", 1).tolist() == draws.raw(8, "a", 1)[:4].tolist()
    assert draws.raw(4, "a", 1).tolist() != draws.raw(4, "a", 2).tolist()
    assert draws.raw(4, "a", "b1").tolist() != draws.raw(4, "ab", 1).tolist()


def test_below_is_uniform_and_reaches_both_ends():
    counts = np.bincount(draws.below(7, draws.raw(70_000, "uniform")), minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(10_000)
    top = np.full(3, 2**64 - 1, np.uint64)
    assert draws.below(np.array([1, 5, 2**31]), top).tolist() == [0, 4, 2**31 - 1]


def test_permutation():
    assert sorted(draws.permutation(50, "p")) == list(range(50))
    assert draws.permutation(50, "p").tolist() != draws.permutation(50, "q").tolist()

"""Patches are cut where names and seed say, first without overlap."""

import threading
import time

import numpy as np
import pytest

from senm_jax.data import packing, parallel


def overlap(a, b, patch: int) -> bool:
    return abs(a[0] - b[0]) < patch and abs(a[1] - b[1]) < patch


def test_the_grid_comes_first_and_does_not_overlap():
    found = packing.positions(100, 130, 32, 12, 0, "name")
    assert len(set(found)) == 12
    for i, a in enumerate(found):
        assert 0 <= a[0] <= 68 and 0 <= a[1] <= 98
        assert not any(overlap(a, b, 32) for b in found[:i])


def test_more_than_the_grid_are_different_windows():
    found = packing.positions(100, 130, 32, 200, 0, "name")
    assert len(set(found)) == 200
    assert found[:12] == packing.positions(100, 130, 32, 12, 0, "name")


def test_no_more_than_there_are():
    assert packing.positions(10, 10, 10, 5, 0, "n") == [(0, 0)]
    assert sorted(packing.positions(11, 12, 10, 50, 0, "n")) == [
        (row, col) for row in range(2) for col in range(3)
    ]


@pytest.mark.parametrize("count", [40, 500])
def test_names_and_seed_decide(count):
    first = packing.positions(900, 900, 64, count, 0, "a")
    assert len(set(first)) == count
    assert first == packing.positions(900, 900, 64, count, 0, "a")
    assert first != packing.positions(900, 900, 64, count, 1, "a")
    assert first != packing.positions(900, 900, 64, count, 0, "b")


def test_an_open_number_covers_the_image():
    assert len(packing.positions(321, 481, 256, None, 0, "n")) == 4
    assert len(packing.positions(256, 256, 256, None, 0, "n")) == 1
    assert len(packing.positions(9000, 9000, 256, None, 0, "n")) == packing.MOST_PATCHES


def test_every_last_position_can_occur():
    found = {p for seed in range(60) for p in packing.positions(40, 50, 32, 1, seed, "n")}
    assert {row for row, _ in found} >= {0, 8}
    assert {col for _, col in found} >= {0, 18}


def test_level_is_the_unbiased_deviation():
    clean = np.full((4, 4, 3), 100, np.uint8)
    noise = np.random.default_rng(0).integers(-20, 20, clean.shape)
    noisy = (clean + noise).astype(np.uint8)
    level = packing.Patch((0, 0), {"clean": clean, "noisy": noisy}).level()
    assert level == pytest.approx(np.std(noise / 255, ddof=1), rel=1e-12)


def test_parallel_results_are_in_order_and_bounded(monkeypatch):
    monkeypatch.setattr(parallel, "PIXELS_IN_FLIGHT", 10)
    running, peak, lock = [0], [0], threading.Lock()

    def work(item: int) -> int:
        with lock:
            running[0] += item
            peak[0] = max(peak[0], running[0])
        time.sleep(0.002 * (item % 3))
        with lock:
            running[0] -= item
        return item

    items = [1, 5, 4, 3, 8, 2, 20, 1, 1, 1]
    assert list(parallel.ordered(work, items, lambda item: item, "working")) == items
    assert peak[0] <= 20  # the one that is larger than the bound runs alone


def test_an_exception_in_a_worker_comes_out():
    def work(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 1"):
        list(parallel.ordered(work, [1, 2, 3], lambda item: 1, "working"))


def test_a_matched_pair_has_the_same_means_and_its_noise_still():
    rng = np.random.default_rng(0)
    clean = rng.integers(60, 180, (64, 64, 3), np.uint8)
    noise = np.rint(rng.normal(0, 8, clean.shape))
    light = np.array([7, -4, 0])
    pair = {"clean": clean, "noisy": (clean + noise + light).astype(np.uint8)}
    patch = packing.Patch((0, 0), pair)
    found = patch.matched()
    np.testing.assert_array_equal(found.images["clean"], clean)
    left = found.images["noisy"] - clean.astype(float)
    np.testing.assert_allclose(left.mean((0, 1)), 0, atol=0.5)
    moved = left - noise
    np.testing.assert_array_equal(moved, np.broadcast_to(moved[0, 0], moved.shape))
    assert patch.level() - 1 / 255 > found.level() == pytest.approx(noise.std() / 255, rel=0.01)


def test_a_matched_pair_stays_in_eight_bits():
    images = {"clean": np.full((4, 4, 3), 250, np.uint8), "noisy": np.full((4, 4, 3), 9, np.uint8)}
    images["noisy"][0, 0] = 200
    found = packing.Patch((0, 0), images).matched().images["noisy"]
    assert found[0, 0].tolist() == [255] * 3 and found[1, 1].tolist() == [238] * 3

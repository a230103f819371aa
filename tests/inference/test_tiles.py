"""The cutting of images into tiles: everything is kept once, and far enough from seams."""

import numpy as np
import pytest

from senm_jax.inference import tiles
from senm_jax.methods import base


@pytest.mark.parametrize("length", [1, 7, 16, 17, 20, 31, 32, 33, 100])
@pytest.mark.parametrize("tile, margin", [(16, 4), (16, 0), (16, 7), (20, 3)])
def test_kept_parts_cover_an_axis_once_and_lie_a_margin_inside(length, tile, margin):
    found = tiles.spans(length, tile, margin)
    kept = [i for span in found for i in range(span.first, span.last)]
    assert kept == list(range(length))
    for span in found:
        assert span.first == 0 or span.first - span.start >= margin
        assert span.last == length or span.start + tile - span.last >= margin
        assert length <= tile or (0 <= span.start and span.start + tile <= length)


def test_places_lie_on_the_multiple():
    plan = tiles.layout([(50, 70)], base.Reach(multiple=4, radius=5), tile=30)
    assert plan.tile == (32, 32) and plan.margin == 8
    for row, column in tiles.places((50, 70), plan):
        assert row.start % 4 == column.start % 4 == 0


def test_cutting_and_putting_back_is_the_identity_at_any_scale():
    image = np.random.default_rng(0).random((45, 61, 3), np.float32)
    for scale in (1, 2):
        plan = tiles.layout([image.shape[:2]], base.Reach(2, 3, scale), tile=20)
        padded = tiles.pad(image, 2)
        whole = np.full((45 * scale, 61 * scale, 3), np.nan, np.float32)
        for place in tiles.places(image.shape[:2], plan):
            tile = tiles.cut(padded, place, plan)
            tiles.put(whole, tile.repeat(scale, 0).repeat(scale, 1), place, plan)
        np.testing.assert_array_equal(whole, image.repeat(scale, 0).repeat(scale, 1))


def test_padding_repeats_the_last_row_and_column():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    padded = tiles.pad(image, 4)
    assert padded.shape == (4, 4, 3)
    np.testing.assert_array_equal(padded, np.broadcast_to(image[:, [0, 1, 1, 1]], (4, 4, 3)))


def test_a_tile_is_no_larger_than_the_largest_image_and_half_of_it_is_kept():
    reach = base.Reach(2, 101)
    assert tiles.layout([(5, 31), (40, 8)], reach).tile == (40, 32)
    assert tiles.layout([(40, 32)], reach).bordered is False
    assert tiles.layout([(5, 31), (40, 8)], reach).bordered is True
    plan = tiles.layout([(5000, 5000)], reach)
    assert plan.tile[0] >= 4 * 101 and plan.margin == 102


def test_a_tile_without_a_core_is_refused_unless_every_image_fits():
    reach = base.Reach(2, 10)
    with pytest.raises(ValueError, match="tile: 20 pixels leave nothing .* more than 20"):
        tiles.layout([(64, 64)], reach, tile=20)
    assert tiles.layout([(20, 14)], reach, tile=20).tile == (20, 14)


def test_batches_hold_no_more_tiles_than_there_are_and_divide_over_devices():
    reach = base.Reach(1, 8)
    assert tiles.layout([(64, 64)], reach, devices=2).batch == 1
    assert tiles.layout([(64, 64)] * 3, reach, devices=2).batch == 4
    assert tiles.layout([(64, 64)] * 1000, reach, devices=3).batch % 3 == 0
    assert tiles.layout([(5000, 5000)], base.Reach(1, 300), devices=2).batch == 2
    assert tiles.layout([(5000, 5000)], base.Reach(1, 300), devices=2, one_memory=True).batch == 1
    assert tiles.layout([(256, 256)] * 9, base.Reach(1, 300), devices=2, one_memory=True).batch == 4


def test_groups_cover_the_images_in_order_and_hold_whole_batches():
    plan = tiles.layout([(20, 20)] * 30, base.Reach(1, 2), tile=10, batch=8)
    sizes = [(20, 20)] * 5 + [(8, 9)] * 40
    found = tiles.groups(sizes, plan)
    assert [i for group in found for i in group] == list(range(45))
    counts = [sum(len(tiles.places(sizes[i], plan)) for i in group) for group in found]
    assert all(tiles.GROUP * 8 <= count < tiles.GROUP * 8 + 9 for count in counts[:-1])
    assert tiles.groups(sizes[:3], None) == [range(0, 1), range(1, 2), range(2, 3)]

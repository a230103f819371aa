"""How images of any size are cut into tiles of one shape, so that no seam shows.

Along each axis tiles start every ``tile - 2 * margin`` pixels and the last one ends with the image.
A tile's outer ``margin`` pixels are computed and thrown away, except where the tile ends with the
image. The margin is at least the network's radius, so a kept pixel sees all that it depends on.
An image smaller than the tile lies in its upper left corner; `senm_jax.inference.borders` makes
the rest of the tile behave as the nothing beyond the image's border does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Shaped

from senm_jax.methods import base

PIXELS = 2**18
"""A batch holds about this many pixels unless its size is given."""
GROUP = 4
"""At least this many batches of tiles, the last group excepted, are computed together."""
SMALLEST = 256
"""No default tile is smaller, whatever the radius, unless no image is larger."""


class Layout(NamedTuple):
    """One tile shape for all images of a call."""

    tile: tuple[int, int]
    """Height and width in pixels, multiples of ``multiple``."""
    margin: int
    multiple: int
    scale: int
    batch: int
    """Tiles that are computed together."""
    bordered: bool
    """Whether any image ends within a tile."""
    fill: int = 1
    """Images are filled up to multiples of this."""


class Span(NamedTuple):
    """One tile along one axis: it starts at ``start`` and its result is kept in [first, last)."""

    start: int
    first: int
    last: int


def layout(
    sizes: Sequence[tuple[int, int]],
    reach: base.Reach,
    tile: int | None = None,
    batch: int | None = None,
    devices: int = 1,
    one_memory: bool = False,
) -> Layout:
    """The tile shape for images of ``sizes`` (height, width).

    A tile is no larger than the largest image. By default its side is four margins, at least
    `SMALLEST`, so that half of the side is kept; and a batch holds `PIXELS`, a tile at least, and
    no more tiles than there are. It is shared out evenly over ``devices``, and a tile at least for
    each unless they have ``one_memory``, as a CPU's virtual devices do.

    Raises:
        ValueError: there is no image, or ``tile`` leaves nothing between its margins.
    """
    if not sizes:
        raise ValueError("tiling needs at least one image")
    margin = up(reach.radius, reach.multiple)
    side = up(max(4 * margin, SMALLEST) if tile is None else tile, reach.multiple)
    largest = [up(max(axis), reach.multiple) for axis in zip(*sizes, strict=True)]
    if side <= 2 * margin and side < max(largest):
        raise ValueError(
            f"tile: {side} pixels leave nothing between two margins of {margin}, the network's "
            f"radius; take more than {2 * margin}, or {max(largest)} to have every image in one"
        )
    height, width = (min(side, length) for length in largest)
    fill = 1 if reach.any_size else reach.multiple
    plan = Layout((height, width), margin, reach.multiple, reach.scale, 1, False, fill)
    if batch is None:
        most = max(1, PIXELS // (height * width))
        if most >= devices or not one_memory:
            most = max(most - most % devices, devices)
        count = sum(len(places(size, plan)) for size in sizes)
        batch = min(most, up(count, devices) if count > 1 else 1)
    smallest = [up(min(axis), reach.multiple) for axis in zip(*sizes, strict=True)]
    bordered = smallest[0] < height or smallest[1] < width
    bordered |= any(length % reach.multiple for size in sizes for length in size) and fill == 1
    return plan._replace(batch=batch, bordered=bordered)


def groups(sizes: Sequence[tuple[int, int]], plan: Layout | None) -> list[range]:
    """Runs of neighbouring images that are computed together: a few batches of tiles, or one image.

    A group's results are a function of the group alone, so what was interrupted between two groups
    goes on with the same bits.
    """
    found, first, count = [], 0, 0
    for i, size in enumerate(sizes):
        count += len(places(size, plan)) if plan is not None else 1
        if plan is None or count >= GROUP * plan.batch:
            found.append(range(first, i + 1))
            first, count = i + 1, 0
    return found + [range(first, len(sizes))] * (first < len(sizes))


def up(length: int, multiple: int) -> int:
    """The smallest multiple that is not below ``length``."""
    return -(-length // multiple) * multiple


def spans(length: int, tile: int, margin: int) -> list[Span]:
    """The tiles along an axis of ``length`` pixels; the kept parts cover it once."""
    if length <= tile:
        return [Span(0, 0, length)]
    starts = [*range(0, length - tile, tile - 2 * margin), length - tile]
    firsts = [0, *(start + margin for start in starts[1:])]
    return [
        Span(start, first, last)
        for start, first, last in zip(starts, firsts, [*firsts[1:], length], strict=True)
    ]


def places(size: tuple[int, int], plan: Layout) -> list[tuple[Span, Span]]:
    """(rows, columns) of every tile of an image of ``size``, row by row."""
    height, width = (up(length, plan.multiple) for length in size)
    rows = spans(height, plan.tile[0], plan.margin)
    columns = spans(width, plan.tile[1], plan.margin)
    return [(row, column) for row in rows for column in columns]


def pad(image: Shaped[np.ndarray, "h w c"], multiple: int) -> Shaped[np.ndarray, "H W c"]:
    """The image with its last row and column repeated until both sides are multiples."""
    height, width = image.shape[:2]
    more = (up(height, multiple) - height, up(width, multiple) - width)
    if more == (0, 0):
        return image
    return np.pad(image, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")


def cut(
    image: Float32[np.ndarray, "h w c"], place: tuple[Span, Span], plan: Layout
) -> Float32[np.ndarray, "H W c"]:
    """The tile at ``place`` of a padded image; what lies beyond the image is 0."""
    (row, column), (height, width) = place, plan.tile
    part = image[row.start : row.start + height, column.start : column.start + width]
    if part.shape[:2] == plan.tile:
        return part
    tile = np.zeros((height, width, image.shape[2]), image.dtype)
    tile[: part.shape[0], : part.shape[1]] = part
    return tile


def put(
    whole: Float32[np.ndarray, "h w c"],
    result: Float32[np.ndarray, "H W c"],
    place: tuple[Span, Span],
    plan: Layout,
) -> None:
    """Writes the kept part of a tile's result into the whole result, ``scale`` times as large."""
    target, source = [], []
    for span in place:
        target.append(slice(span.first * plan.scale, span.last * plan.scale))
        offset = span.start * plan.scale
        source.append(slice(target[-1].start - offset, target[-1].stop - offset))
    part = result[tuple(source)]
    room = whole[tuple(target)]
    room[...] = part[: room.shape[0], : room.shape[1]]

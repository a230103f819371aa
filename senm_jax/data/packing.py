"""From photographs to patches: where they are cut, in what order, and how noisy they are."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from senm_jax.data import (
    compare, draws, duplicates, images, layout, pairing, parallel, preflight, writing,
)

MOST_PATCHES = 32
"""Patches cut from an image when their number is left open: as many as cover it, at most this."""


Images = Mapping[str, UInt8[np.ndarray, "_ _ 3"]]
"""By side; of one size, or the clean one larger by a whole number."""
Complete = Callable[[preflight.Item, Images], Images]


class Patch(NamedTuple):
    """A window of an item's images, by side."""

    position: tuple[int, int]
    """In the clean image, where sizes differ."""
    images: Images

    def level(self) -> float | None:
        """The noise's standard deviation in [0, 1] units, over all values, divisor N - 1; None
        where the sizes differ."""
        if self.images["noisy"].shape != self.images["clean"].shape:
            return None
        noise = self.images["noisy"].astype(np.float64) - self.images["clean"]
        return float(noise.std(ddof=1)) / 255

    def matched(self) -> "Patch":
        """The pair with the noisy side's mean in each channel that of the clean side, in 8 bits."""
        clean, noisy = (self.images[side].astype(np.float32) for side in ("clean", "noisy"))
        moved = np.rint(compare.match_mean(noisy, clean))
        noisy = np.clip(moved, 0, 255).astype(np.uint8)
        return self._replace(images={**self.images, "noisy": noisy})


def check(
    items: Sequence[preflight.Item],
    patch: int,
    strict: bool,
    tell: Callable[[str], None],
    unmatched: Sequence[Path] = (),
    scale: int = 1,
    apart_from: Sequence[duplicates.Photograph] = (),
) -> preflight.Report:
    """The preflight report, told; ValueError if nothing can be packed, or on findings if strict.

    Photographs that show what one of ``apart_from`` does are reported.
    """
    if not items and not unmatched:
        raise ValueError(f"found no image; looked for {', '.join(images.SUFFIXES)}")
    report = preflight.inspect(items, patch, unmatched, scale, apart_from)
    tell(report.text())
    if not report.usable:
        raise ValueError("no image can be packed; the report says why; nothing was written")
    if strict and report.problems:
        raise ValueError(
            f"preflight found {len(report.problems)} problems and --strict was given; "
            "nothing was written"
        )
    return report


def positions(
    height: int, width: int, patch: int, count: int | None, *names: str | int
) -> list[tuple[int, int]]:
    """Upper left pixels of ``count`` different windows, a function of ``names`` alone.

    First the cells of a grid without overlap, placed at a random offset and taken in random
    order, so a smaller ``count`` gives the beginning of a larger one's list; then random windows.
    No more than there are windows. ``None`` asks for as many as cover the image, at most 32.
    """
    if count is None:
        count = min(math.ceil(height / patch) * math.ceil(width / patch), MOST_PATCHES)
    rows, cols = height - patch + 1, width - patch + 1
    slack = np.array([(rows - 1) % patch + 1, (cols - 1) % patch + 1])
    first_row, first_col = draws.below(slack, draws.raw(2, "offset", *names)).tolist()
    cells = [(r, c) for r in range(first_row, rows, patch) for c in range(first_col, cols, patch)]
    chosen = [cells[i] for i in draws.permutation(len(cells), "grid", *names)][:count]
    windows = rows * cols
    if windows <= max(2**16, 8 * count):
        more = draws.permutation(windows, "window", *names)
    else:
        more = draws.below(windows, draws.raw(4 * count, "window", *names))
    return list(dict.fromkeys(chosen + [divmod(int(i), cols) for i in more[: 4 * count]]))[:count]


def align(item: preflight.Item, arrays: Images) -> Images:
    """The images, and where the item asks for it the clean one moved to where the noisy one lies,
    see `compare.aligned`; a `Complete` for `patches`."""
    if not item.align:
        return arrays
    return {**arrays, "clean": compare.aligned(arrays["clean"], arrays["noisy"])}


def available(item: preflight.Item, patch: int, count: int) -> int:
    """How many different windows, ``count`` at most, the item's images have."""
    height, width = images.read_size(next(iter(item.files.values())))
    return min(count, (height - patch + 1) * (width - patch + 1))


def add(
    writer: writing.Writer,
    domain: str,
    item: preflight.Item,
    cut: Sequence[Patch],
    roots: Mapping[str, Path],
    origin: Any = None,
) -> None:
    """Adds the patches to ``domain``: the sides it has, their file below its root, their tags.

    The file of a pair is the clean one, and the noisy one behind a bar where their names differ. A
    pair whose item asks to match the mean is stored as `Patch.matched` gives it: where the light
    changed between the two photographs, what differs in the mean is no noise. ``origin`` says what
    made a noisy side that comes of no file.
    """
    sides = layout.SIDES[domain]
    names = dict.fromkeys(pairing.below(file, roots[side]) for side, file in item.files.items())
    for patch in cut:
        if item.match_mean and domain == "paired":
            patch = patch.matched()
        writer.add(
            domain,
            **{side: patch.images[side] for side in sides},
            camera=item.camera,
            iso=item.iso,
            level=patch.level() if domain == "paired" else None,
            source=" | ".join(names),
            position=patch.position,
            origin=origin,
        )


def patches(
    items: Sequence[preflight.Item], patch: int, count: int | None, seed: int,
    complete: Complete = align, scale: int = 1,
) -> Iterator[tuple[preflight.Item, list[Patch]]]:
    """Each item with its patches, the files decoded in parallel, in the order of ``items``.

    ``complete(item, images by side)`` gives the images that the patches are cut from, all sides.
    Where clean images are ``scale`` times as large as noisy ones, so are their patches, of side
    ``patch``; places are drawn in the noisy image.
    """

    def cut(item: preflight.Item) -> tuple[preflight.Item, list[Patch]]:
        arrays = {side: images.read_rgb8(path) for side, path in item.files.items()}
        arrays = complete(item, arrays)
        height, width = next(iter(arrays.values())).shape[:2]
        places = positions(
            height // scale, width // scale, patch // scale, count, seed, item.name)
        times = {side: scale if side == "clean" else 1 for side in arrays}
        return item, [
            Patch(
                (row * scale, col * scale),
                {side: _window(array, row, col, patch // scale, times[side])
                 for side, array in arrays.items()},
            )
            for row, col in places
        ]

    return parallel.ordered(cut, items, preflight.pixels, "packing")


def _window(
    image: UInt8[np.ndarray, "h w 3"], row: int, col: int, size: int, times: int
) -> UInt8[np.ndarray, "n n 3"]:
    """A copy of a square of the image, where all lengths are given in ``times`` pixels."""
    rows, cols = (slice(times * first, times * (first + size)) for first in (row, col))
    return image[rows, cols].copy()

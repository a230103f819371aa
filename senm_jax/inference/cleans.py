"""Clean images to make noisy ones of: whole images, patches of images, patches of a store."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from senm_jax.data import images, packing, pairing
from senm_jax.data import store as store_


class Clean(NamedTuple):
    """One clean image."""

    name: str
    """What its random draws depend on: its path below the folder, or domain and number in the
    store, and the number of the patch or version."""
    source: str
    """The file that it came from."""
    position: tuple[int, int]
    """Its upper left pixel there."""
    size: tuple[int, int]
    read: Callable[[], np.ndarray]
    """Its pixels, uint8 or uint16 [h, w, 3]; ValueError where the file is no whole image."""


def of_store(store: store_.Store, versions: int) -> list[Clean]:
    """Every clean patch of the store, source patches first, ``versions`` times each.

    Raises:
        ValueError: the store has no clean patches.
    """
    found = []
    for domain in ("source", "paired"):
        if domain not in store.domains:
            continue
        pixels = store.images(domain, "clean")
        for i, record in enumerate(store.records(domain)):
            read = functools.partial(_of_array, pixels, i)
            found += [
                Clean(f"{domain} {i} #{k}", record["source"], tuple(record["position"]),
                      store.patch, read)
                for k in range(versions)
            ]
    if not found:
        raise ValueError(f"{store.path}: has no clean patches, only {list(store.domains)}")
    return found


def of_images(
    root: str | os.PathLike, versions: int, leave: Path, problems: list[str]
) -> list[Clean]:
    """Every whole image under ``root``, ``versions`` times each; none under the folder ``leave``.

    Raises:
        ValueError: there is no image.
    """
    found = []
    for path, size in sized(find(root, leave), problems):
        name = pairing.below(path, Path(root))
        read = functools.partial(_whole, path)
        found += [Clean(f"{name} #{k}", name, (0, 0), size, read) for k in range(versions)]
    return found


def of_image_patches(
    root: str | os.PathLike, patch: int, count: int | None, seed: int, leave: Path,
    problems: list[str],
) -> list[Clean]:
    """``count`` square patches of every image under ``root``, at random places in 8 bits.

    Places are those of `data.packing.positions`: None asks for as many as cover the image. Images
    smaller than a patch are put into ``problems``.

    Raises:
        ValueError: there is no image.
    """
    found = []
    decode = functools.lru_cache(maxsize=1)(images.read_rgb8)  # an image's patches come in a row
    for path, (height, width) in sized(find(root, leave), problems):
        if min(height, width) < patch:
            problems.append(f"{path}: {height}x{width} is smaller than a patch of {patch}")
            continue
        name = pairing.below(path, Path(root))
        places = packing.positions(height, width, patch, count, seed, name)
        found += [
            Clean(f"{name} #{k}", name, place, (patch, patch),
                  functools.partial(_window, decode, path, place, patch))
            for k, place in enumerate(places)
        ]
    return found


def find(root: str | os.PathLike, leave: Path) -> list[Path]:
    """The image files under ``root``, or the one file it is.

    Those under ``leave`` are left out where it lies inside ``root``: they are results.

    Raises:
        ValueError: there is none.
    """
    found, top, inner = images.find(root), Path(root).resolve(), leave.resolve()
    if inner != top and inner.is_relative_to(top):
        found = [path for path in found if not path.resolve().is_relative_to(inner)]
    if not found:
        raise ValueError(f"{root}: found no image; looked for {', '.join(images.SUFFIXES)}")
    return found


def sized(
    paths: Sequence[Path], problems: list[str]
) -> list[tuple[Path, tuple[int, int]]]:
    """Each file with its height and width; those whose header is unreadable go to ``problems``."""
    found = []
    for path in paths:
        try:
            found.append((path, images.read_size(path)))
        except (ValueError, OSError) as error:
            named = str(path) in str(error)
            problems.append(str(error) if named else f"{path}: {error}")
    return found


def _of_array(pixels, i: int) -> np.ndarray:
    return np.asarray(pixels[i])


def _whole(path: Path) -> np.ndarray:
    return images.read(path).pixels


def _window(decode, path: Path, place: tuple[int, int], patch: int) -> np.ndarray:
    (row, column), whole = place, decode(path)
    return whole[row : row + patch, column : column + patch]

"""Clean images to make noisy ones of: whole images, patches of images, patches of a store."""

import functools
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8, UInt16

from senm_jax.data import degrading, images, layout, packing, pairing
from senm_jax.data import store as store_
from senm_jax.degradations import parameters
from senm_jax.inference import results, stream

Pixels = UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]


class Views(NamedTuple):
    """A clean image as two sides see it; one image where the scale is 1."""

    target: Pixels
    """What a restorer is to make, its sides multiples of the scale."""
    source: Pixels
    """What a noisy image is made of: the same reduced by the scale, see `reduced`."""


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
    """Of what a noisy image is made of."""
    read: Callable[[], Views]
    """Its pixels; ValueError where the file is no whole image."""


def reduced(image: Pixels, scale: int) -> Views:
    """The image cut to multiples of ``scale``, and that at 1 / ``scale`` of its size.

    By MATLAB's antialiased bicubic interpolation of the whole image, clipped and rounded to the
    image's own bits: the low-resolution clean images of LUD-VAE, DeFlow and SeNM-VAE are files, of
    8 bits, from which their noise models learn and make degraded ones.
    """
    if scale == 1:
        return Views(image, image)
    height, width = (side // scale * scale for side in image.shape[:2])
    small = _bicubic(scale)(stream.to_float(image), np.uint64(0)).noisy
    return Views(image[:height, :width], images.quantise(small, 8 * image.itemsize))


@functools.lru_cache(maxsize=None)
def _bicubic(scale: int) -> degrading.Degrader:
    return degrading.Degrader(parameters.Bicubic(scale))


def is_store(path: str | os.PathLike) -> bool:
    """Whether the path is a patch store, whole or not; `Store.open` says what is wrong with it."""
    path = Path(os.path.abspath(path))
    unfinished = path.with_name(path.name + layout.PARTIAL).exists() and not path.exists()
    return (path / layout.INDEX).is_file() or unfinished or path.name.endswith(layout.PARTIAL)


def of_store(store: store_.Store, versions: int, scale: int = 1) -> list[Clean]:
    """Every clean patch of the store, source patches first, ``versions`` times each.

    Raises:
        ValueError: the store has no clean patches, or their sides are no multiples of the scale.
    """
    found = []
    layout.require_scale(store.path, store.patch, scale)
    size = layout.patch_of("noisy", store.patch, scale)
    for domain in ("source", "paired"):
        if domain not in store.domains:
            continue
        pixels = store.images(domain, "clean")
        for i, record in enumerate(store.records(domain)):
            read = functools.partial(_of_array, pixels, i, scale)
            found += [
                Clean(f"{domain} {i} #{k}", record["source"], tuple(record["position"]), size,
                      read)
                for k in range(versions)
            ]
    if not found:
        raise ValueError(f"{store.path}: has no clean patches, only {list(store.domains)}")
    return found


def of_images(
    root: str | os.PathLike, versions: int, leave: Path, problems: list[str], scale: int = 1
) -> list[Clean]:
    """Every whole image under ``root``, ``versions`` times each; none under the folder ``leave``.
    Images smaller than the scale are put into ``problems``.

    Raises:
        ValueError: there is no image.
    """
    found = []
    for path, (height, width) in sized(find(root, leave), problems):
        if min(height, width) < scale:
            problems.append(f"{path}: {height}x{width} cannot be reduced {scale} times")
            continue
        name, size = pairing.below(path, Path(root)), (height // scale, width // scale)
        read = functools.partial(_whole, path, scale)
        found += [Clean(f"{name} #{k}", name, (0, 0), size, read) for k in range(versions)]
    return found


def of_image_patches(
    root: str | os.PathLike, patch: int, count: int | None, seed: int, leave: Path,
    problems: list[str], scale: int = 1,
) -> list[Clean]:
    """``count`` square patches of every image under ``root``, at random places in 8 bits.

    Places are those of `data.packing.positions`: None asks for as many as cover the image. Images
    smaller than a patch are put into ``problems``. Whole images are reduced by the scale; places
    and sizes of their patches are multiples of it.

    Raises:
        ValueError: there is no image, or the patch is no multiple of the scale.
    """
    found, small = [], patch // scale
    layout.require_scale(leave, (patch, patch), scale)

    @functools.lru_cache(maxsize=1)  # an image's patches come in a row
    def decode(path):
        return reduced(images.read_rgb8(path), scale)

    for path, (height, width) in sized(find(root, leave), problems):
        if min(height, width) < patch:
            problems.append(f"{path}: {height}x{width} is smaller than a patch of {patch}")
            continue
        name = pairing.below(path, Path(root))
        places = packing.positions(height // scale, width // scale, small, count, seed, name)
        found += [
            Clean(f"{name} #{k}", name, (scale * row, scale * col), (small, small),
                  functools.partial(_window, decode, path, (row, col), small, scale))
            for k, (row, col) in enumerate(places)
        ]
    return found


def find(root: str | os.PathLike, leave: Path) -> list[Path]:
    """The image files under ``root``, or the one file it is.

    Those under ``leave`` are left out, by whatever link they are found, unless it holds ``root``:
    they are results.

    Raises:
        ValueError: there is none.
    """
    found, top, inner = images.find(root), Path(root).resolve(), leave.resolve()
    if not top.is_relative_to(inner):
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


def faults(sources: Sequence[Clean], but: Collection[str] = ()) -> list[str]:
    """Why some of them, ``but`` those of these names, cannot be read: a line for each file."""
    found = {}
    for each in sources:
        if each.name in but:
            continue
        try:
            each.read()
        except (ValueError, OSError) as error:
            found.setdefault(each.source, str(error))
    return list(found.values())


def inputs(root: str | os.PathLike, sources: Sequence[Clean]) -> list[results.Input]:
    """What each of them is made of, with its hash: its file, or the whole store at ``root``."""
    if is_store(root):
        whole = results.Input(str(Path(root).resolve()), store_.Store.open(root).fingerprint)
        return [whole for _ in sources]
    root = Path(root)
    paths = [root / each.source if root.is_dir() else root for each in sources]
    return list(results.of_files(dict(enumerate(paths))).values())


def _of_array(pixels, i: int, scale: int) -> Views:
    return reduced(np.asarray(pixels[i]), scale)


def _whole(path: Path, scale: int) -> Views:
    return reduced(images.read(path).pixels, scale)


def _window(decode, path: Path, place: tuple[int, int], size: int, scale: int) -> Views:
    """The square at ``place`` of the reduced image, and the same of the target."""
    def cut(image, times):
        rows, cols = (slice(times * first, times * (first + size)) for first in place)
        return image[rows, cols]

    whole = decode(path)
    return Views(cut(whole.target, scale), cut(whole.source, 1))

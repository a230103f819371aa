"""Photographs as arrays: PNG, JPEG, TIFF, BMP and WebP, 8 and 16 bits a channel.

One rule for all: RGB, upright by the EXIF orientation (which is then reset). Grey becomes three
equal channels, palettes and CMYK become RGB without colour management, and an alpha channel is kept
apart, the colours under it as they are stored. 16-bit PNG and TIFF keep 16 bits. Of an animation or
a multi-page file the first image is read. Images over 2^30 pixels are refused.
"""

import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import PIL
from jaxtyping import Float, UInt8, UInt16
from PIL import Image

from senm_jax.data import decoding, encoding, files

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
PIXEL_LIMIT = 2**30
Image.init()
Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT // 2  # Pillow raises above twice this, and warns above it.

_MODEL, _EXIF_IFD, _ISO = 0x0110, 0x8769, 0x8827
_WIDTH, _HEIGHT = 0x0100, 0x0101
_BLOCK = 2**20


class Photo(NamedTuple):
    """A decoded image and what must not be lost when a result is written in its place."""

    pixels: UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]
    depth: int
    """8 or 16 bits a channel."""
    alpha: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | None
    grey: bool
    """Whether the file holds one channel; ``pixels`` has three equal ones then."""
    exif: bytes | None
    icc: bytes | None
    path: str


def find(path: str | os.PathLike) -> list[Path]:
    """The sorted image files under a folder, by suffix and at any depth, or the one file given.

    Linked folders are entered, each folder once. Links to nothing are among the files, so that who
    reads them says so.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or folder")
    found, entered, to_enter = [], set(), [path]
    while to_enter:  # links after the folders that are there without one
        for folder, inner, names in os.walk(to_enter.pop(0)):
            real = os.path.realpath(folder)
            if real in entered:
                inner.clear()
                continue
            entered.add(real)
            inner.sort()
            to_enter += [Path(folder, name) for name in inner if Path(folder, name).is_symlink()]
            found += [Path(folder, name) for name in names]
    return sorted(
        file for file in found
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
        and (file.is_file() or not file.exists())
    )


def read(path: str | os.PathLike) -> Photo:
    """The image at ``path`` by the rule above; a file that is no whole image is a ValueError."""
    data = Path(path).read_bytes()
    try:
        colours, alpha, grey, exif, icc = decoding.decode(data)
        return Photo(colours, 8 * colours.itemsize, alpha, grey, exif, icc, str(path))
    except PIL.UnidentifiedImageError:
        raise ValueError(_unknown(path, data[:4])) from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path}: has more than {PIXEL_LIMIT} pixels; cut it first") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders raise all kinds for what they did not expect
        reason = str(error) or type(error).__name__
        raise ValueError(f"{path}: cannot be decoded ({reason})") from None


def read_size(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width of the upright image, from the header alone; ValueError as in `read`."""
    try:
        with Image.open(path, formats=decoding.FORMATS) as image:
            size = image.size
            if image.format == "TIFF":  # its size is turned already
                size = image.tag_v2[_WIDTH], image.tag_v2[_HEIGHT]
            turned = decoding.header_exif(image).get(decoding.ORIENTATION, 1) in (5, 6, 7, 8)
            return size if turned else size[::-1]
    except Image.DecompressionBombError:
        raise ValueError(f"{path}: has more than {PIXEL_LIMIT} pixels; cut it first") from None
    except MemoryError:
        raise
    except Exception as error:  # as in `read`
        if isinstance(error, OSError) and not isinstance(error, PIL.UnidentifiedImageError):
            raise
        with Path(path).open("rb") as file:
            raise ValueError(_unknown(path, file.read(4))) from None


def read_tags(path: str | os.PathLike) -> tuple[str | None, int | None]:
    """(camera model, ISO) by the file's EXIF, None where it does not say or is no image."""
    try:
        with Image.open(path, formats=decoding.FORMATS) as image:
            exif = decoding.header_exif(image)
            iso = exif.get_ifd(_EXIF_IFD).get(_ISO)
    except Exception:  # as in `read`
        return None, None
    iso = iso[0] if isinstance(iso, tuple) and iso else iso
    model = str(exif.get(_MODEL, "")).strip("\0 ")
    return model or None, int(iso) if isinstance(iso, int) else None


def read_rgb8(path: str | os.PathLike) -> UInt8[np.ndarray, "h w 3"]:
    """The image at ``path`` in 8 bits, alpha left out; 16 bits are divided by 257 and rounded."""
    return to_rgb8(read(path))


def to_rgb8(photo: Photo) -> UInt8[np.ndarray, "h w 3"]:
    """The photo's pixels in 8 bits; v / 257 of 16 bits never lies half-way between integers."""
    if photo.depth == 8:
        return photo.pixels
    return ((photo.pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def write(path: str | os.PathLike, like: Photo, pixels: Float[np.ndarray, "h w 3"]) -> None:
    """Writes ``pixels`` (in [0, 1]) to ``path``, in the manner of the photo ``like``.

    The format follows the suffix. Kept where the format can hold them: bit depth (PNG and TIFF
    hold 16), greyness (the mean of the channels; WebP and BMP get three equal ones), alpha
    (PNG, TIFF, WebP; resized when the image is of another size), EXIF and ICC profile (all but
    BMP). Values are clipped, scaled and rounded half to even. The file appears whole or not at
    all.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: cannot write {suffix!r} files; use one of {SUFFIXES}")
    depth = like.depth if suffix in (".png", ".tif", ".tiff") else 8
    samples = pixels.mean(axis=2, keepdims=True) if like.grey else pixels
    samples = quantise(samples, depth)
    alpha = like.alpha
    if alpha is not None:
        alpha = quantise(alpha / np.iinfo(alpha.dtype).max, depth)
        if alpha.shape != pixels.shape[:2]:
            alpha = cv2.resize(alpha, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    try:
        data = encoding.encode(suffix, samples, alpha, like.exif, like.icc)
    except (OSError, ValueError, OverflowError, cv2.error) as error:
        raise ValueError(f"{path}: cannot be written as {suffix} ({error})") from None
    files.replace(path, data)


def quantise(values: Float[np.ndarray, "..."], depth: int) -> np.ndarray:
    """Values in [0, 1] as integers of 8 or 16 bits: clipped, scaled, rounded half to even."""
    top = 2**depth - 1
    flat = values.reshape(-1)
    whole = np.empty(flat.shape, np.uint8 if depth == 8 else np.uint16)
    for first in range(0, len(flat), _BLOCK):  # in float64 all at once would be 16 bytes a value
        part = slice(first, first + _BLOCK)
        whole[part] = np.rint(np.clip(flat[part], 0, 1).astype(np.float64) * top)
    return whole.reshape(values.shape)


def _unknown(path: str | os.PathLike, start: bytes) -> str:
    """What to say of a file that no decoder knows, which begins with ``start``."""
    if not start:
        return f"{path}: is empty"
    if start in (b"II*\0", b"MM\0*"):
        return f"{path}: is a TIFF of a kind that cannot be read; save it as 8 or 16-bit RGB"
    return f"{path}: is no PNG, JPEG, TIFF, BMP or WebP image"

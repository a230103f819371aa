"""Image files' bytes as samples: each format upright and at its own depth, as `images` says."""

import io
import struct

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
"""Pillow's names of what is decoded."""
ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 0x0102
_PHOTOMETRIC, _SAMPLES_PER_PIXEL, _PLANAR, _EXTRA_SAMPLES = 0x0106, 0x0115, 0x011C, 0x0152
_GREY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I")
_DESCRIPTIVE_TIFF_TAGS = frozenset(
    (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, 34665, 34853)
)
"""What may be carried from a TIFF's directory to another file; the rest describes its pixels."""
_TEXTS_WITH_TAGS = (b"Raw profile type ", b"XML:com.adobe.xmp")
Colours = UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]
Alpha = UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | None


def decode(data: bytes) -> tuple[Colours, Alpha, bool, bytes | None, bytes | None]:
    """Upright colours and alpha of a file's bytes, whether they hold one channel, EXIF and ICC.

    Raises what Pillow, OpenCV and struct raise for files that are no whole image, and ValueError
    for kinds that cannot be read.
    """
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    exif = image.getexif()
    orientation = exif.get(ORIENTATION, 1)
    icc = image.info.get("icc_profile")
    kept = _exif_bytes(exif, image.format)
    if image.format == "TIFF":
        data = _unturned_tiff(data)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    grey = image.mode in _GREY_MODES
    if _is_deep(image, data):
        _require_plain(image)
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if samples is None or samples.dtype != np.uint16:
            raise ValueError("unsupported kind of 16-bit image")
        samples = np.atleast_3d(samples)
        if samples.shape[2] >= 3:
            samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
        if image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0:  # zero is white
            samples = 65535 - samples
    else:
        if image.mode in ("F", "I", "I;16", "I;16B"):
            raise ValueError(f"expected 8 or 16 bits a channel, got mode {image.mode}")
        icc = None if image.mode == "CMYK" else icc
        target = "L" if grey else "RGB"
        if image.has_transparency_data:
            target = "LA" if grey and image.mode != "1" else "RGBA"
        image = image if image.mode == target else image.convert(target)  # convert would copy
        samples = np.atleast_3d(np.asarray(image))
    samples = _upright(samples, orientation)
    channels = samples.shape[2]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    colours = samples[..., :1].repeat(3, axis=2) if channels < 3 else samples[..., :3]
    return np.ascontiguousarray(colours), alpha, grey, kept, icc


def header_exif(image: Image.Image) -> Image.Exif:
    """The EXIF of an image that was just opened, which is not decoded for it.

    Pillow would decode a PNG, for its EXIF may stand behind the pixels.
    """
    if image.format != "PNG" or "exif" in image.info:
        return image.getexif()
    exif, file, place, at = Image.Exif(), image.fp, image.fp.tell(), 8
    while file.seek(at) == at and len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            exif.load(file.read(length))
            break
        if kind in (b"tEXt", b"zTXt", b"iTXt") and file.read(17) in _TEXTS_WITH_TAGS:
            file.seek(place)
            return image.getexif()
        at += 12 + length
    file.seek(place)  # from where it can be decoded
    return exif


def _is_deep(image: Image.Image, data: bytes) -> bool:
    """Whether the file has 16 bits a channel; Pillow itself would cut colours to 8."""
    if image.format == "PNG":
        return data[24] == 16
    if image.format == "TIFF":
        return set(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))) == {16}
    return False


def _require_plain(image: Image.Image) -> None:
    """Raises ValueError for 16-bit TIFFs that OpenCV reads, but not as what they are."""
    if image.format != "TIFF":
        return
    tags = image.tag_v2
    if tags.get(_PLANAR, 1) == 2 and tags.get(_SAMPLES_PER_PIXEL, 1) > 1:
        raise ValueError("16-bit colours in planes of their own; save it with interleaved colours")
    if 1 in np.atleast_1d(tags.get(_EXTRA_SAMPLES, 0)):
        raise ValueError("16-bit colours multiplied by alpha; save it with straight alpha")


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """The image turned as EXIF orientation 1 to 8 says."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def _unturned_tiff(data: bytes) -> bytes:
    """The file with its orientation tag set to upright.

    Pillow and some versions of OpenCV turn a TIFF by themselves, and no other format.
    """
    order = "<" if data[:2] == b"II" else ">"
    large = struct.unpack_from(order + "H", data, 2)[0] == 43  # BigTIFF has 64-bit fields
    start = struct.unpack_from(order + ("Q" if large else "I"), data, 8 if large else 4)[0]
    count = struct.unpack_from(order + ("Q" if large else "H"), data, start)[0]
    first, length, value = (start + 8, 20, 12) if large else (start + 2, 12, 8)
    for at in range(first, first + count * length, length):
        if struct.unpack_from(order + "H", data, at)[0] == ORIENTATION:
            upright = struct.pack(order + "H", 1)
            return data[: at + value] + upright + data[at + value + 2 :]
    return data


def _exif_bytes(exif: Image.Exif, kind: str | None) -> bytes | None:
    """The EXIF block with upright orientation, or None when nothing worth keeping is left or it
    cannot be written again."""
    if kind == "TIFF":
        for tag in set(exif) - _DESCRIPTIVE_TIFF_TAGS:
            del exif[tag]
    if ORIENTATION in exif:
        exif[ORIENTATION] = 1
    try:
        return exif.tobytes() if len(exif) else None
    except Exception:  # what Pillow raises for a tag of a type that it must not have is of any kind
        return None

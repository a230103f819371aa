"""Image files as bytes: samples, alpha, EXIF and ICC profile put into each format."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Shaped
from PIL import Image, TiffImagePlugin

JPEG_QUALITY = 95


def encode(
    suffix: str,
    samples: Shaped[np.ndarray, "h w c"],
    alpha: Shaped[np.ndarray, "h w"] | None,
    exif: bytes | None,
    icc: bytes | None,
) -> bytes:
    """The file's bytes; ``samples`` has 1 or 3 channels of uint8, or uint16 for PNG and TIFF.

    JPEG is written at quality 95 without chroma subsampling, WebP without loss, TIFF without
    compression. What a format cannot hold (see `images.write`) is left out.
    """
    return _ENCODERS[suffix](samples, alpha, exif, icc)


def _png(samples, alpha, exif, icc) -> bytes:
    if samples.dtype == np.uint8:
        return _pillow("PNG", samples, alpha, exif, icc)
    if alpha is not None:  # OpenCV writes no grey with alpha: three equal channels instead
        samples = np.concatenate([_three(samples), alpha[..., None]], axis=2)
    if samples.shape[2] >= 3:
        samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    done, data = cv2.imencode(".png", samples)
    if not done:
        raise ValueError("the PNG encoder failed")
    chunks = b""
    if icc is not None:
        chunks += _png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if exif is not None:
        chunks += _png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    head = 8 + 25  # signature and IHDR
    return data.tobytes()[:head] + chunks + data.tobytes()[head:]


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _jpeg(samples, alpha, exif, icc) -> bytes:
    del alpha
    return _pillow("JPEG", samples, None, exif, icc, quality=JPEG_QUALITY, subsampling=0)


def _webp(samples, alpha, exif, icc) -> bytes:
    return _pillow("WEBP", _three(samples), alpha, exif, icc, lossless=True, exact=True)


def _bmp(samples, alpha, exif, icc) -> bytes:
    del alpha, exif, icc
    return _pillow("BMP", _three(samples), None, None, None)


def _pillow(kind: str, samples, alpha, exif, icc, **options) -> bytes:
    """Any 8-bit image through Pillow."""
    if alpha is not None:
        samples = np.concatenate([samples, alpha[..., None]], axis=2)
    squeezed = samples[..., 0] if samples.shape[2] == 1 else samples
    if exif is not None:
        options["exif"] = exif
    if icc is not None:
        options["icc_profile"] = icc
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(squeezed)).save(buffer, kind, **options)
    return buffer.getvalue()


def _three(samples):
    return samples.repeat(3, axis=2) if samples.shape[2] == 1 else samples


def _tiff(samples, alpha, exif, icc) -> bytes:
    """One uncompressed strip; no library here writes 16-bit colour TIFF with its EXIF."""
    if alpha is not None:
        deep = samples.dtype == np.uint16  # Pillow reads no 16-bit grey with alpha
        samples = _three(samples) if deep else samples
        samples = np.concatenate([samples, alpha[..., None]], axis=2)
    height, width, channels = samples.shape
    colours = channels - (alpha is not None)
    data = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).tobytes()
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if exif is not None:
        block = Image.Exif()
        block.load(exif)
        for tag, value in block.items():
            directory[tag] = value
        for tag in (0x8769, 0x8825):  # the EXIF and GPS directories
            if tag in block:
                directory[tag] = dict(block.get_ifd(tag))
    directory[256], directory[257] = width, height
    directory[258] = (samples.dtype.itemsize * 8,) * channels
    directory[259] = 1  # no compression
    directory[262] = 2 if colours == 3 else 1  # RGB, or grey with 0 black
    directory[277] = channels
    directory[278] = height
    directory[279] = len(data)
    directory[284] = 1  # channels side by side
    if alpha is not None:
        directory[338] = 2  # the extra sample is alpha, not multiplied in
    if icc is not None:
        directory.tagtype[34675] = 7
        directory[34675] = icc
    directory[273] = 0  # replaced by where the directory ends
    buffer = io.BytesIO()
    directory.save(buffer)
    return buffer.getvalue() + data


_ENCODERS: dict[str, Callable[..., bytes]] = {
    ".png": _png, ".jpg": _jpeg, ".jpeg": _jpeg, ".tif": _tiff, ".tiff": _tiff,
    ".bmp": _bmp, ".webp": _webp,
}  # fmt: skip

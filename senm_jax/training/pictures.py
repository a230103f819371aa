"""A sheet of crops with a line of names above: images, and residuals around mid-grey."""

import io
import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from senm_jax.data import files

GAP = 4
HEADER = 28
LEAST = 128


def write(
    path: str | os.PathLike,
    images: Mapping[str, UInt8[np.ndarray, "b h w 3"]],
    residuals: Mapping[str, Float[np.ndarray, "b h w 3"]],
) -> None:
    """Writes a PNG: a row for each crop, a column for each name, images first.

    Small crops are enlarged, each pixel a square. All residuals are magnified by one whole factor,
    stated in the header, by which 3 standard deviations of the first just stay in range.

    Raises:
        OSError: it cannot be written.
    """
    path = pathlib.Path(path)
    first = next(iter(residuals.values()))
    factor = int(np.clip(0.5 / max(3 * float(np.std(first)), 1e-3), 1, 100))
    columns = dict(images)
    for name, noise in residuals.items():
        grey = np.clip(0.5 + factor * noise, 0, 1)
        columns[f"{name} x{factor}"] = np.round(grey * 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    coded = io.BytesIO()
    sheet(columns).save(coded, format="PNG")
    files.replace(path, coded.getvalue())


def sheet(columns: Mapping[str, UInt8[np.ndarray, "b h w 3"]]) -> Image.Image:
    """The columns side by side under their names, on white."""
    rows, height, width = next(iter(columns.values())).shape[:3]
    scale = -(-LEAST // width)
    height, width = height * scale, width * scale
    size = (len(columns) * (width + GAP) + GAP, HEADER + rows * (height + GAP))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = _font(draw, columns, width)
    for column, (name, crops) in enumerate(columns.items()):
        left = GAP + column * (width + GAP)
        draw.text((left, HEADER // 2), name, fill="black", font=font, anchor="lm")
        for row, crop in enumerate(crops):
            tile = Image.fromarray(crop).resize((width, height), Image.Resampling.NEAREST)
            canvas.paste(tile, (left, HEADER + row * (height + GAP)))
    return canvas


def _font(
    draw: ImageDraw.ImageDraw, names: Iterable[str], width: int
) -> ImageFont.FreeTypeFont:
    """The largest font up to 16 pixels in which no name is wider than its column."""
    sizes = (ImageFont.load_default(size) for size in range(16, 6, -1))
    fits = (font for font in sizes if all(draw.textlength(n, font) <= width for n in names))
    return next(fits, ImageFont.load_default(6))

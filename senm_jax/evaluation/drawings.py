"""Drawings for a report, as HTML: crops, magnified residuals, correlation maps, curves."""

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

SIDE = 128
"""Crops are at most this large, in pixels of the patch."""


class Line(NamedTuple):
    """One curve of `lines`; places that are not finite are left out."""

    label: str
    colour: str
    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    dashed: bool = False


def centre(image: UInt8[np.ndarray, "h w 3"], side: int = SIDE) -> UInt8[np.ndarray, "s t 3"]:
    """The middle of the image, at most ``side`` pixels high and wide."""
    height, width = image.shape[:2]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return image[top : top + side, left : left + side]


def magnification(noise: Float[np.ndarray, "*s"]) -> int:
    """The factor, a whole number, by which 3 deviations of the noise just stay within grey."""
    return int(np.clip(0.5 / max(3 * float(np.std(noise)), 1e-3), 1, 100))


def residual(noise: Float[np.ndarray, "h w 3"], factor: int) -> UInt8[np.ndarray, "h w 3"]:
    """The noise times ``factor`` around middle grey."""
    return np.rint(np.clip(0.5 + factor * noise, 0, 1) * 255).astype(np.uint8)


def heat_map(values: Float[np.ndarray, "n n"], cell: int = 18) -> str:
    """A square map as SVG: blue below 0, white at 0, red above, to +-1; the centre is left grey.

    Each cell tells its value to the pointer.
    """
    side = len(values)
    cells = []
    for row, column in np.ndindex(values.shape):
        value = float(values[row, column])
        colour = "#888" if row == column == side // 2 else _colour(value)
        name = f"({row - side // 2}, {column - side // 2}): {value:.3f}"
        cells.append(
            f'<rect x="{column * cell}" y="{row * cell}" width="{cell}" height="{cell}"'
            f' fill="{colour}"><title>{name}</title></rect>'
        )
    size = side * cell
    return f'<svg width="{size}" height="{size}" role="img">{"".join(cells)}</svg>'


def lines(curves: Sequence[Line], x_label: str, y_label: str) -> str:
    """Curves over common axes that start at 0, as SVG, with their names in the drawing."""
    width, height, left, bottom = 460, 300, 64, 44
    kept = [(line, np.isfinite(line.x) & np.isfinite(line.y)) for line in curves]
    top_x = max((line.x[on].max() for line, on in kept if on.any()), default=1.0) or 1.0
    top_y = max((line.y[on].max() for line, on in kept if on.any()), default=1.0) or 1.0
    wide, high = width - left - 10, height - bottom - 10

    def place(x, y):
        return left + wide * x / top_x, 10 + high * (1 - y / top_y)

    parts = [
        f'<rect x="{left}" y="10" width="{wide}" height="{high}" fill="none" stroke="#999"/>',
        f'<text x="{left + wide / 2}" y="{height - 6}" text-anchor="middle">'
        f"{html.escape(x_label)}</text>",
        f'<text transform="translate(14,{10 + high / 2}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(y_label)}</text>",
    ]
    for part in np.linspace(0, 1, 5):
        x, y = place(part * top_x, part * top_y)
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 16}" text-anchor="middle">'
                     f"{part * top_x:.3g}</text>")
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{part * top_y:.3g}</text>")
    for number, (line, on) in enumerate(kept):
        points = " ".join("{:.1f},{:.1f}".format(*place(*xy)) for xy in zip(line.x[on], line.y[on]))
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        stroke = f'fill="none" stroke="{line.colour}" stroke-width="1.6"{dash}'
        y = 24 + 15 * number
        parts.append(f'<polyline points="{points}" {stroke}/>')
        parts.append(f'<line x1="{left + 8}" x2="{left + 34}" y1="{y - 4}" y2="{y - 4}" {stroke}/>')
        parts.append(f'<text x="{left + 40}" y="{y}">{html.escape(line.label)}</text>')
    style = "font:11px sans-serif"
    return f'<svg width="{width}" height="{height}" style="{style}">{"".join(parts)}</svg>'


def _colour(value: float) -> str:
    """White at 0, red at 1, blue at -1; the square root shows small values."""
    fade = round(255 * (1 - min(1.0, abs(value)) ** 0.5))
    return f"rgb(255,{fade},{fade})" if value >= 0 else f"rgb({fade},{fade},255)"

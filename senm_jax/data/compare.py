"""Whether two photographs show the same, in the same place, equally exposed."""

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from skimage import registration

ALIKE = 0.8
"""Photographs whose signatures correlate more than this are taken to show the same. Over 500 of
public sets, different ones stayed below 0.47 and shots of one scene above 0.95."""
SIDE = 32
"""A signature is made of SIDE x SIDE grey values."""
WINDOW = 512
WINDOWS = 3
"""`shift` looks at this many windows of at most WINDOW x WINDOW pixels."""
LONGEST = 2**15 - 2
"""Pixels of a side of what `aligned` can move, OpenCV's own limit."""
FARTHEST = 8.0
"""Pixels; what lies further apart is not one picture that was moved."""
LEAST_PEAK = 0.25
"""A window whose correlation peaks lower says nothing of the shift."""


def signature(image: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "d"] | None:
    """A unit vector that is nearly the same for two shots of one scene; None for a flat image.

    The grey image shrunk to 32 x 32 by area, less its own blur (std 3), which leaves the layout
    and drops what many scenes share (bright sky over dark ground).
    """
    grey = cv2.cvtColor(_shrunk(image, 4 * SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small -= cv2.GaussianBlur(small, (0, 0), 3)
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return None if norm < 0.3 * SIDE else (small / norm).ravel()


def alike(first: np.ndarray | None, second: np.ndarray | None) -> float:
    """The correlation of two signatures; 1 where one is missing."""
    return 1.0 if first is None or second is None else float(first @ second)


def exposure(
    clean: UInt8[np.ndarray, "h w 3"], noisy: UInt8[np.ndarray, "h w 3"]
) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
    """(gain, mean_255) by channel: the slope of noisy over clean, and mean(noisy) - mean(clean).

    By least squares on the images shrunk 8 times, so that noise is averaged away, without what is
    nearly black or white. The gain is 1 where the clean image is too flat to tell (std under 4 of
    255).
    """
    gain, mean_255 = np.ones(3), np.zeros(3)
    clean, noisy = (
        _shrunk(image, max(image.shape[:2]) // 8).astype(np.float64) for image in (clean, noisy)
    )
    for channel in range(3):
        x, y = clean[..., channel], noisy[..., channel]
        seen = (np.minimum(x, y) > 8) & (np.maximum(x, y) < 247)
        x, y = (x[seen], y[seen]) if seen.any() else (x.ravel(), y.ravel())
        mean_255[channel] = y.mean() - x.mean()
        if x.std() > 4:
            gain[channel] = np.mean((x - x.mean()) * (y - y.mean())) / x.var()
    return gain, mean_255


def match_mean(
    noisy: Float32[np.ndarray, "h w 3"], clean: Float32[np.ndarray, "h w 3"]
) -> Float32[np.ndarray, "h w 3"]:
    """The noisy image, each channel shifted to the mean of the clean image's; not clipped."""
    moved = clean.mean((0, 1), dtype=np.float64) - noisy.mean((0, 1), dtype=np.float64)
    return (noisy + moved).astype(np.float32)


def aligned(
    clean: UInt8[np.ndarray, "h w 3"], noisy: UInt8[np.ndarray, "h2 w2 3"]
) -> UInt8[np.ndarray, "h w 3"]:
    """The clean image moved by their `shift` to where the noisy one lies, whose noise is kept so.

    By Lanczos' interpolation over 8 pixels, mirrored at the border. An image that shows too little
    to tell a shift, or that lies further away than `FARTHEST`, is left. The clean image may be
    larger than the noisy one by a whole number. No side may be longer than `LONGEST`.
    """
    size = noisy.shape[1::-1]
    moved = shift(cv2.resize(clean, size, interpolation=cv2.INTER_AREA), noisy)
    if moved is None or max(map(abs, moved)) > FARTHEST:
        return clean
    down, right = np.array(moved) * clean.shape[0] / noisy.shape[0]
    return cv2.warpAffine(
        clean, np.array([[1, 0, right], [0, 1, down]]), clean.shape[1::-1],
        flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101,
    )


def shift(
    clean: UInt8[np.ndarray, "h w 3"], noisy: UInt8[np.ndarray, "h w 3"]
) -> tuple[float, float] | None:
    """(rows, columns) by which noisy is moved against clean, to a tenth of a pixel.

    The median over the clean image's most detailed windows of the place where the two, band-passed
    (differences of Gaussians, std 1.5 and 6) to keep noise out, correlate most. None where too
    little detail is found to tell.
    """
    height, width = clean.shape[:2]
    size_y, size_x = min(WINDOW, height), min(WINDOW, width)
    corners = [
        (row, col)
        for row in range(0, height - size_y + 1, size_y)
        for col in range(0, width - size_x + 1, size_x)
    ]
    small = _shrunk(clean, max(height, width) // 4)
    detail = [
        _detail(_cut(small, r // 4, c // 4, max(1, size_y // 4), max(1, size_x // 4)))
        for r, c in corners
    ]
    taper = np.outer(np.hanning(size_y + 2)[1:-1], np.hanning(size_x + 2)[1:-1])
    found = []
    for i in np.argsort(detail)[::-1][:WINDOWS]:
        row, col = corners[i]
        first, second = (
            _band(_cut(image, row, col, size_y, size_x)) * taper for image in (clean, noisy)
        )
        if min(first.std(), second.std()) < 0.1:
            continue
        moved, error, _ = registration.phase_cross_correlation(
            first, second, upsample_factor=10, normalization=None
        )
        if 1 - error**2 > LEAST_PEAK**2:
            found.append(-moved)
    if not found:
        return None
    rows, cols = np.median(found, axis=0)
    return float(rows), float(cols)


def _cut(image: np.ndarray, row: int, col: int, height: int, width: int) -> np.ndarray:
    """A window as grey float32."""
    window = np.ascontiguousarray(image[row : row + height, col : col + width])
    return cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _band(grey: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(grey, (0, 0), 1.5) - cv2.GaussianBlur(grey, (0, 0), 6)


def _detail(grey: np.ndarray) -> float:
    """How much there is to see: the standard deviation left after a blur is taken off."""
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 1.5)).std())


def _shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """The image shrunk by area until no side is longer than ``side``, with at least one pixel."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

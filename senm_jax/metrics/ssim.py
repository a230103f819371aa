"""Structural similarity, by protocol.  The papers mix two forms that differ much on noisy images.

| protocol | function |
| --- | --- |
| KAIR, DANet, NAFlow: "2-D" (SeNM-VAE and LUD-VAE validation) | `gaussian_2d` |
| SIDD server, NAFNet, MIRNet: "3-D" | `volume_3d` |
| AP-BSN and DeFlow scripts: scikit-image's default | `uniform` |

On noisy SIDD crops against clean the 3-D form reads up to twice the 2-D one. Which paper used
which is inferred from their numbers and code; report both. All are of one image, the mean of a
map with

    (2 mx my + C1) (2 cov + C2) / ((mx^2 + my^2 + C1) (vx + vy + C2)),

C1 = (0.01 peak)^2, C2 = (0.03 peak)^2 (Wang et al. 2004), in float64.
"""

from collections.abc import Callable

import cv2
import numpy as np
import skimage.metrics
from jaxtyping import Float, Num

_RADIUS = 5
_KERNEL = cv2.getGaussianKernel(2 * _RADIUS + 1, 1.5)


def gaussian_2d(
    restored: Num[np.ndarray, "h w *c"], clean: Num[np.ndarray, "h w *c"], peak: float = 255.0
) -> float:
    """SSIM with an 11x11 Gaussian window of deviation 1.5, population moments, valid region.

    Per channel, then the mean. ``peak`` is 255 for 8-bit images and 1 for [0, 1].

    Raises:
        ValueError: a side is below 11 pixels.
    """
    _check_sides(restored, 2 * _RADIUS + 1)
    inside = slice(_RADIUS, -_RADIUS)

    def blur(image):
        return cv2.sepFilter2D(image, cv2.CV_64F, _KERNEL, _KERNEL)[inside, inside]

    return _mean_of_map(restored, clean, peak, blur)


def volume_3d(
    restored: Num[np.ndarray, "h w c"], clean: Num[np.ndarray, "h w c"], peak: float = 255.0
) -> float:
    """SSIM as MATLAB's ssim gives it for an RGB array, which it takes for a volume.

    Gaussian window of 11x11x11, deviation 1.5, over height, width *and channel*, every axis
    padded by repeating its edge; the map has full size.
    """
    channels = clean.shape[2]
    mix = np.zeros((channels, channels))
    for channel in range(channels):
        for offset, weight in enumerate(_KERNEL[:, 0], start=-_RADIUS):
            mix[np.clip(channel + offset, 0, channels - 1), channel] += weight

    def blur(image):
        edge = cv2.BORDER_REPLICATE
        return cv2.sepFilter2D(image @ mix, cv2.CV_64F, _KERNEL, _KERNEL, borderType=edge)

    return _mean_of_map(restored, clean, peak, blur)


def uniform(
    restored: Num[np.ndarray, "h w c"], clean: Num[np.ndarray, "h w c"], peak: float = 255.0
) -> float:
    """SSIM with a uniform 7x7 window and sample covariance: scikit-image's default.

    Raises:
        ValueError: a side is below 7 pixels.
    """
    _check_sides(restored, 7)
    similarity = skimage.metrics.structural_similarity
    return float(similarity(clean, restored, data_range=peak, channel_axis=2))


def _mean_of_map(
    restored: Num[np.ndarray, "*s"],
    clean: Num[np.ndarray, "*s"],
    peak: float,
    blur: Callable[[Float[np.ndarray, "*s"]], Float[np.ndarray, "*t"]],
) -> float:
    """The mean of the SSIM map whose local means ``blur`` makes."""
    x, y = restored.astype(np.float64), clean.astype(np.float64)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mx, my = blur(x), blur(y)
    variances = blur(x * x + y * y) - mx * mx - my * my
    covariance = blur(x * y) - mx * my
    ratio = (2 * mx * my + c1) * (2 * covariance + c2)
    return float(np.mean(ratio / ((mx * mx + my * my + c1) * (variances + c2))))


def _check_sides(image: Num[np.ndarray, "h w *c"], least: int) -> None:
    height, width = image.shape[:2]
    if min(height, width) < least:
        raise ValueError(
            f"SSIM: expected sides of at least {least} pixels, got {height}x{width}"
        )

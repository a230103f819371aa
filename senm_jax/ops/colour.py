"""Colour: the luma of MATLAB and the grey of OpenCV, which evaluation protocols differ by."""

import cv2
import numpy as np
from jaxtyping import Float, Num, UInt8

LUMA = np.array([65.481, 128.553, 24.966])
"""ITU-R BT.601 weights of R, G, B as MATLAB's rgb2ycbcr has them, on the scale of 255."""


def luma_255(rgb: Num[np.ndarray, "*s 3"]) -> Float[np.ndarray, "*s"]:
    """MATLAB's Y, 16 to 235, of an image in 0..255: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.

    Not rounded; float64.
    """
    return 16 + rgb.astype(np.float64) @ LUMA / 255


def luma8(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """MATLAB's Y of an 8-bit image, rounded half to even to 8 bits."""
    return np.rint(luma_255(rgb)).astype(np.uint8)


def grey8(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """OpenCV's grey of an 8-bit image: 0.299 R + 0.587 G + 0.114 B in its fixed-point rounding."""
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)

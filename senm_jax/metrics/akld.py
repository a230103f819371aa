"""Average KL divergence of local noise levels (Yue et al., "Dual adversarial network", 2020)."""

import cv2
import numpy as np
from jaxtyping import Float

# OpenCV's own table for a Gaussian of 7 taps without a given deviation; no sampled Gaussian.
_KERNEL = np.array([1, 3.5, 7, 9, 7, 3.5, 1], np.float32) / 32


def local_variance(noise: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w c"]:
    """The noise's square blurred by 7 taps an axis (mirrored border), at least 1e-10; float32."""
    square = np.square(noise.astype(np.float32))
    mirrored = cv2.BORDER_REFLECT_101
    blurred = cv2.sepFilter2D(square, cv2.CV_32F, _KERNEL, _KERNEL, borderType=mirrored)
    return np.maximum(blurred.reshape(noise.shape), np.float32(1e-10))


def akld(
    real_noise: Float[np.ndarray, "h w c"], generated_noise: Float[np.ndarray, "h w c"]
) -> float:
    """Mean KL between zero-mean Gaussians of the two local variances, nats; 0 for equal noise.

    (r - 1 - ln r) / 2 with r = generated over real variance clipped to [0.1, 10], averaged over
    pixels and channels. Noise on the [0, 1] scale, of a generated image clipped to [0, 1]. DANet
    averages 50 draws an image, NAFlow takes one. Independent draws of the same noise are not at 0:
    about 0.043 for white Gaussian noise.
    """
    ratio = local_variance(generated_noise) / local_variance(real_noise)
    ratio = np.clip(ratio, 0.1, 10).astype(np.float64)
    return float(0.5 * np.mean(ratio - 1 - np.log(ratio)))

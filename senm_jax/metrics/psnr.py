"""Peak signal-to-noise ratio, by protocol.  Every value is of one image; average the values.

| protocol | function |
| --- | --- |
| KAIR (SeNM-VAE, LUD-VAE), SIDD server, VDIR on Gaussian noise, AIM19, NTIRE20 | `rgb8` |
| super-resolution in luma (VDIR), border = scale | `luma8` |
| JPEG artefacts, PSNR-B | `blocking8` |
| NAFlow | `naflow` |

VDIR's script takes 255 as peak because its images reach above 1, which only an all-black image
would not. NAFNet's script takes 255 as peak for any float image with one value above 1, which
adds 48 dB; clip first and use `rgb8`.
"""

import numpy as np
from jaxtyping import Float, UInt8

from senm_jax.ops import colour


def rgb8(
    restored: UInt8[np.ndarray, "*s"], clean: UInt8[np.ndarray, "*s"], border: int = 0
) -> float:
    """20 log10(255 / sqrt(mse)) in dB over all pixels and channels; infinite for equal images.

    ``border`` pixels are left out on each side.
    """
    restored, clean = crop(restored, border), crop(clean, border)
    mse = np.mean(np.square(restored.astype(np.float64) - clean))
    return float(20 * np.log10(255) - 10 * np.log10(mse)) if mse > 0 else float("inf")


def luma8(
    restored: UInt8[np.ndarray, "h w 3"], clean: UInt8[np.ndarray, "h w 3"], border: int
) -> float:
    """`rgb8` of MATLAB's Y rounded to 8 bits, in dB."""
    return rgb8(colour.luma8(restored), colour.luma8(clean), border)


def naflow(restored: Float[np.ndarray, "*s"], clean: Float[np.ndarray, "*s"]) -> float:
    """10 log10(1 / (mse + 1e-8)) in dB of images in [0, 1], unrounded; 80 dB for equal images.

    NAFlow, its evaluation script.
    """
    mse = np.mean(np.square(restored.astype(np.float64) - clean))
    return float(-10 * np.log10(mse + 1e-8))


def blocking8(restored: UInt8[np.ndarray, "h w c"], clean: UInt8[np.ndarray, "h w c"]) -> float:
    """PSNR-B in dB: the mean squared error grows by the restored image's own 8x8 block steps.

    Yim and Bovik, "Quality assessment of deblocked images", 2011, in KAIR's form: per channel on
    [0, 1], then the mean. Its count of pixel pairs across block edges takes size // 8 - 1 edges
    an axis, one too few where the size is not a multiple of 8; kept, so that figures compare.

    Raises:
        ValueError: a side is below 16 pixels and so has no block edge to count.
    """
    height, width = restored.shape[:2]
    if min(height, width) < 16:
        raise ValueError(f"PSNR-B: expected sides of at least 16 pixels, got {height}x{width}")
    across_edges = height * (width // 8 - 1) + width * (height // 8 - 1)
    elsewhere = height * (width - 1) + width * (height - 1) - across_edges
    values = []
    for channel in range(restored.shape[2]):
        image = restored[..., channel] / 255
        right = np.square(np.diff(image, axis=1))
        down = np.square(np.diff(image, axis=0))
        edges = right[:, 7::8].sum() + down[7::8].sum()
        rest = right.sum() + down.sum() - edges
        effect = max(edges / across_edges - rest / elsewhere, 0.0)
        effect *= np.log2(8) / np.log2(min(height, width))
        mse = np.mean(np.square(image - clean[..., channel] / 255))
        values.append(-10 * np.log10(mse + effect) if mse + effect > 0 else np.inf)
    return float(np.mean(values))


def crop(image: UInt8[np.ndarray, "h w *c"], border: int) -> UInt8[np.ndarray, "H W *c"]:
    """The image without ``border`` pixels on each side.

    Raises:
        ValueError: nothing would be left.
    """
    height, width = image.shape[:2]
    if 2 * border >= min(height, width):
        raise ValueError(
            f"border: expected less than half of the image's {height}x{width} pixels, got {border}"
        )
    return image[border : height - border, border : width - border]

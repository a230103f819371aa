"""JPEG compression by a real codec, on the host.

Pillow's libjpeg: the library's own tables scaled by quality and held to 8 bits (baseline), colour
at 4:2:0 as MATLAB's writer has it, and on reading the library's smooth chroma upsampling.
"""

import io

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from senm_jax.degradations import base, parameters
from senm_jax.ops import colour


def encode(image: UInt8[np.ndarray, "h w *c"], quality: int) -> bytes:
    """The JPEG file of a colour [h, w, 3] or grey [h, w] image."""
    file = io.BytesIO()
    grey = image.ndim == 2
    options = {} if grey else {"subsampling": "4:2:0"}
    Image.fromarray(image).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def compress(image: UInt8[np.ndarray, "h w *c"], quality: int) -> UInt8[np.ndarray, "h w *c"]:
    """The image as it is read back from a JPEG file of this quality."""
    with Image.open(io.BytesIO(encode(image, quality))) as decoded:
        return np.asarray(decoded)


def luma(clean: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """MATLAB's Y (BT.601, 16 to 235) of the image in 8 bits, as three equal channels in [0, 1]."""
    return _three(colour.luma8(_to_uint8(clean)))


def apply(
    clean: Float32[np.ndarray, "h w 3"], quality: int, grey: bool
) -> Float32[np.ndarray, "h w 3"]:
    """The image in 8 bits after compression, in [0, 1]; with ``grey`` its Y is compressed alone."""
    image = _to_uint8(clean)
    if grey:
        return _three(compress(colour.luma8(image), quality))
    return compress(image, quality).astype(np.float32) / 255


def make(of: parameters.JPEG) -> base.Degradation:
    """One of the qualities is drawn for each image; quality / 100 is told."""
    qualities = jnp.asarray(of.quality)

    def degrade(key, clean, drawn):
        return apply(np.asarray(clean), int(drawn["quality"]), of.luma)

    return base.Degradation(
        draw=lambda key: {"quality": jax.random.choice(key, qualities)},
        degrade=degrade,
        tell=lambda drawn: drawn["quality"][None] / 100,
        **({"target": lambda clean: luma(np.asarray(clean))} if of.luma else {}),
        on_host=True,
    )


def _to_uint8(clean: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return np.rint(np.clip(clean, 0, 1) * np.float32(255)).astype(np.uint8)


def _three(plane: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
    return np.repeat(plane[..., None], 3, axis=2).astype(np.float32) / 255

"""VDIR for grey JPEGs, the luma of colour images, of an unknown quality, 10 to 80, as published.

    senm-jax train --config configs/vdir/jpeg_y.py --workdir runs/vdir_jpeg_y

As `jpeg_rgb`, with networks of one channel, which see MATLAB's Y (16 to 235) as a grey image.
Published PSNR on Classic5 at qualities 10, 20, 30, 40, 70 and 80: 29.91, 32.12, 33.38, 34.23, 36.40
and 37.63 dB.
"""

from configs import common
from configs.vdir import jpeg_rgb


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return jpeg_rgb.compressed(common.preset(arg, ("tiny", "cpu")), luma=True)

"""VDIR for colour JPEGs of an unknown quality, 10 to 80, as published.

    senm-jax train --config configs/vdir/jpeg_rgb.py --workdir runs/vdir_jpeg

wants a store of clean patches; the estimator tells the quality. Published PSNR on LIVE1 at
qualities 10, 20, .., 80: 27.57, 30.03, 31.38, 32.32, 33.08, 33.81, 34.79 and 36.17 dB. ``:tiny`` is
a test of seconds, ``:cpu`` a smaller network for two cores.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return compressed(common.preset(arg, ("tiny", "cpu")), luma=False)


def compressed(preset, *, luma):
    """The locked config of VDIR for JPEGs, in colour or of the luma alone."""
    return awgn.experiment(
        preset, degradation=f"jpeg,luma={str(luma).lower()}", crop=96, rows=32,
        estimate="quality", channels=1 if luma else 3,
    )

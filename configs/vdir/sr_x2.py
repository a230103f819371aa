"""VDIR for super-resolution by 2 from images that were blurred in an unknown way, as published.

    senm-jax train --config configs/vdir/sr_x2.py --workdir runs/vdir_x2

Clean patches, in the store of `awgn`, are blurred by a random Gaussian as MZSR's and every second
pixel is kept; the estimator tells the 15x15 kernel. Published on Set5 (PSNR and SSIM of Y): 36.95
dB, 0.9506 for the isotropic kernel of variance 2; 36.25 dB, 0.9469 for variances 4 and 1. ``:tiny``
is a test of seconds, ``:cpu`` a smaller network for two cores.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return enlarge(common.preset(arg, ("tiny", "cpu")), 2)


def enlarge(preset, scale):
    """The locked config of VDIR for super-resolution; crops are of low resolution."""
    return awgn.experiment(
        preset, degradation=f"blur,scale={scale}", crop=48, rows=32,
        scale=scale, estimate="kernel",
    )

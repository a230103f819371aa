"""FFDNet as the restorer inside VDIR, for the noise of `awgn`: Table XI.

    senm-jax train --config configs/vdir/awgn_ffdnet.py --workdir runs/vdir_ffdnet

The latent stands where FFDNet has its noise map, at half size. Published PSNR on Urban100: 30.82
and 28.49 dB at sigma 30 and 50, where FFDNet, told the level, has 30.53 and 28.05. Presets ``tiny``
and ``cpu`` are smaller.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {"": {"width": 96, "depth": 12}, "cpu": {"width": 48, "depth": 8},
            "tiny": {"width": 4, "depth": 2}}[preset]
    return awgn.noise(preset, restorer="ffdnet", architecture=size)

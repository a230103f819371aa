"""VDIR without discriminator and estimator, for the noise of `awgn`: Table IX's second row.

    senm-jax train --config configs/vdir/awgn_unjudged.py --workdir runs/unjudged

Published PSNR on CBSD68 at sigma 30: 30.56 dB. Presets ``tiny`` and ``cpu`` are of `awgn`'s sizes.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return awgn.noise(preset, gan_weight=0.0, estimate_weight=0.0)

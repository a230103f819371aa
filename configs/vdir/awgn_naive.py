"""VDIR's restorer alone, without a latent, for the noise of `awgn`: Table IX's first row.

    senm-jax train --config configs/vdir/awgn_naive.py --workdir runs/naive

Published PSNR on CBSD68 at sigma 30: 30.47 dB. Presets ``tiny`` and ``cpu`` are of `awgn`'s sizes.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return awgn.rival(preset, "rir", awgn.trunk(preset))

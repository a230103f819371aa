"""VDIR for super-resolution by 4 from images that were blurred in an unknown way, as published.

    senm-jax train --config configs/vdir/sr_x4.py --workdir runs/vdir_x4

As `sr_x2`. Published on Set5 for the isotropic kernel of variance 2: 31.46 dB, 0.8884.
"""

from configs import common
from configs.vdir import sr_x2


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return sr_x2.enlarge(common.preset(arg, ("tiny", "cpu")), 4)

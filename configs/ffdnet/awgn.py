"""FFDNet, which is told the level of the white Gaussian noise, beside VDIR, which is not.

    senm-jax train --config configs/ffdnet/awgn.py --workdir runs/ffdnet_awgn
    senm-jax restore --run runs/ffdnet_awgn noisy --level 0.1176 --out restored

Data and rate are those of ``configs/vdir/awgn_naive.py``; width and depth as published for colour.
``:cpu`` takes four times the steps, each a fraction of the work, for it starts far from passing the
image on; it has about as many parameters as ``configs/vdir/awgn.py:cpu`` (its discriminator not
counted), ``:tiny`` is a test of seconds.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {"": {"width": 96, "depth": 12}, "cpu": {"width": 40, "depth": 8},
            "tiny": {"width": 4, "depth": 2}}[preset]
    run = {"steps": 16_000} if preset == "cpu" else {}
    return awgn.rival(preset, "ffdnet", {**size, "channels": 3}, **run)

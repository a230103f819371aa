"""VDIR's restorer alone, without a latent, for the noise of `awgn`: Table IX's first row.

    senm-jax train --config configs/vdir/awgn_naive.py --workdir runs/naive

Published PSNR on CBSD68 at sigma 30: 30.47 dB. Presets ``tiny`` and ``cpu`` are of `awgn`'s sizes.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    rows, crop = {"": (16, 96), "cpu": (8, 40), "tiny": (2, 16)}[preset]
    return common.experiment(
        method="supervised",
        hyper={"network": "rir", "architecture": {**awgn.SIZES[preset], "scale": 1}, "loss": "l1",
               "level": 0.0, "dtype": "float32"},
        optimisers={"restorer": common.optimiser(**awgn.rate(preset))},
        data=awgn.data(("data/div2k",), rows, crop, awgn.DEGRADATION, True, ""),
        **awgn.RUN[preset],
    ).lock()

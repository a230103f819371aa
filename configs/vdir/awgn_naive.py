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
    made = common.degradation("awgn", per_batch=True, sigma_255=(5.0, 70.0))
    return common.experiment(
        method="supervised",
        hyper={"network": "rir", "architecture": {**awgn.SIZES[preset], "scale": 1}, "loss": "l1",
               "dtype": "float32"},
        optimisers={"restorer": common.optimiser(**awgn.rate(preset))},
        data=awgn.data(("data/div2k",), rows, crop, made, ""),
        **awgn.RUN[preset],
    ).lock()

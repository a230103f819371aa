"""VDIR for real noise, as published: SIDD's pairs and DIV2K under a camera's synthetic noise.

    senm-jax prepare folder data/div2k_camera --clean DIV2K/train --degrade camera_pipeline
    senm-jax prepare folder data/sidd --pairs SIDD/clean SIDD/noisy
    senm-jax train --config configs/vdir/real.py --workdir runs/vdir_real

wants both stores, and one for validation; pairs are drawn by their number of patches. Nothing
describes a real photograph's noise, so there is no estimator. Published, by the benchmarks'
servers: 39.26 dB and 0.955 on SIDD, 39.63 dB and 0.9528 on DND; with ``restore --self-ensemble``
39.33 and 39.69 dB. ``:tiny`` is a test of seconds, ``:cpu`` a smaller network for two cores.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return awgn.experiment(
        common.preset(arg, ("tiny", "cpu")),
        degradation="", crop=256, rows=8, estimate_weight=0.0,
        stores=("data/sidd", "data/div2k_camera"), validation="data/sidd_validation",
    )

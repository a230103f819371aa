"""SeNM-VAE on SIDD-Medium, as published.

    senm-jax prepare folder data/sidd_few --pairs PAIRED/clean PAIRED/noisy --clean SOURCE \
        --noisy TARGET
    senm-jax prepare folder data/sidd_validation --pairs VALIDATION/clean VALIDATION/noisy
    senm-jax train --config configs/senm_vae/sidd.py --workdir runs/senm_vae_sidd
    senm-jax synthesize --run runs/senm_vae_sidd --clean SOURCE --level sidd --out data/sidd_made

PAIRED holds 10, 96 or 960 pairs of 256x256 crops, SOURCE the clean crops of one half of all and
TARGET the noisy ones of the other, 48,000 each, VALIDATION the 1,280 blocks as files. LPIPS, of
weight 0.01 there, is off for want of its weights: ``--config.hyper.lpips_weight=0.01
--config.hyper.lpips_file=lpips.npz``. ``:tiny`` is a test of seconds.
"""

from configs import common
from configs.senm_vae import polyu


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return polyu.experiment(
        common.preset(arg, ("tiny",)), noise_std=common.SIDD_NOISE_STD,
        stores=("data/sidd_few",), validation="data/sidd_validation",
    )

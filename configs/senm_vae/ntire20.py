"""SeNM-VAE on NTIRE 2020's (track 1) real-world super-resolution images.

    senm-jax prepare folder data/ntire20 --pairs PAIRED/clean PAIRED/noisy --clean CLEAN_X4 \
        --noisy NOISY
    senm-jax train --config configs/senm_vae/ntire20.py --workdir runs/senm_vae_ntire20

As `aim19`, of the other challenge's images. ``:tiny`` is a test of seconds.
"""

from configs import common
from configs.senm_vae import polyu


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return polyu.experiment(
        common.preset(arg, ("tiny",)), noise_std=common.SIDD_NOISE_STD, stores=("data/ntire20",),
    )

"""SeNM-VAE on AIM 2019's real-world super-resolution images, whose degradation is unknown.

    senm-jax prepare folder data/aim19 --pairs PAIRED/clean PAIRED/noisy --clean CLEAN_X4 \
        --noisy NOISY
    senm-jax train --config configs/senm_vae/aim19.py --workdir runs/senm_vae_aim19

PAIRED holds the first 10 validation pairs, their clean images reduced by 4 (bicubic), CLEAN_X4 the
clean training images reduced likewise, NOISY the degraded ones as they are. The paper tells no
more: objective and steps are those of SIDD. LPIPS as in `sidd`. ``:tiny`` is a test of seconds.
"""

from configs import common
from configs.senm_vae import polyu


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return polyu.experiment(
        common.preset(arg, ("tiny",)), noise_std=common.SIDD_NOISE_STD, stores=("data/aim19",),
    )

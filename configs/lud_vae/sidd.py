"""LUD-VAE on SIDD-Small, clean and noisy crops taken as if they had nothing to do with each other.

    senm-jax prepare folder data/sidd_unpaired --clean CLEAN --noisy NOISY
    senm-jax train --config configs/lud_vae/sidd.py --workdir runs/lud_vae_sidd

CLEAN and NOISY hold the sRGB images or crops of them. Preset ``tiny``.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return common.lud_vae(
        common.preset(arg, ("tiny",)),
        stores=("data/sidd_unpaired",),
        clean_noise_255=40.0,
        noisy_noise_255=20.0,
        sample_noise_255=(30.0, 70.0),
    )

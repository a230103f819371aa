"""LUD-VAE on low-light images: EnlightenGAN's unpaired training sets.

    senm-jax degrade --kind darken TRAIN_B --out TRAIN_B_DARKENED
    senm-jax prepare folder data/lol --clean TRAIN_B_DARKENED --noisy TRAIN_A
    senm-jax train --config configs/lud_vae/lol.py --workdir runs/lud_vae_lol

The clean domain is the well-lit images of trainB, darkened. Preset ``tiny``.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return common.lud_vae(
        common.preset(arg, ("tiny",)),
        stores=("data/lol",),
        clean_noise_255=3.0,
        noisy_noise_255=2.0,
        sample_noise_255=(3.0, 3.0),
    )

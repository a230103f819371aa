"""LUD-VAE on DND's noisy images, with clean images from SIDD-Small.

    senm-jax prepare folder data/dnd --clean SIDD_CLEAN --noisy DND_NOISY
    senm-jax train --config configs/lud_vae/dnd.py --workdir runs/lud_vae_dnd

Preset ``tiny``.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return common.lud_vae(
        common.preset(arg, ("tiny",)),
        stores=("data/dnd",),
        clean_noise_255=20.0,
        noisy_noise_255=10.0,
        sample_noise_255=(10.0, 30.0),
        sample_temperature=(1.0, 3.0),
    )

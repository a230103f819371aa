"""LUD-VAE on AIM 2019's real-world super-resolution images, whose degradation is unknown.

    senm-jax prepare folder data/aim19 --clean CLEAN_X4 --noisy NOISY
    senm-jax train --config configs/lud_vae/aim19.py --workdir runs/lud_vae_aim19

CLEAN_X4 holds the clean training images reduced by 4 (bicubic), NOISY the degraded ones as they
are. Noisy images are brought to the clean ones' channel statistics. Preset ``tiny``.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return common.lud_vae(
        common.preset(arg, ("tiny",)),
        stores=("data/aim19",),
        clean_noise_255=15.0,
        noisy_noise_255=10.0,
        sample_noise_255=(15.0, 15.0),
        match_255={
            "noisy_mean": (120.96351636, 115.84200238, 104.9237979),
            "noisy_std": (61.84091623, 59.79885696, 65.42669225),
            "clean_mean": (114.69150172, 111.67491841, 103.26490806),
            "clean_std": (70.6325031, 67.0257846, 72.95698077),
        },
    )

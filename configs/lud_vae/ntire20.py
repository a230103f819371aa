"""LUD-VAE on NTIRE 2020's real-world super-resolution images, track 1.

    senm-jax prepare folder data/ntire20 --clean CLEAN_X4 --noisy NOISY
    senm-jax train --config configs/lud_vae/ntire20.py --workdir runs/lud_vae_ntire20

CLEAN_X4 holds the clean training images reduced by 4 (bicubic), NOISY the source images as they
are. As the released code: noise of 8 and 3, and 10 in translation. Preset ``paper`` has the paper's
10 and 5; preset ``tiny`` is a test of seconds.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``paper`` and ``tiny``."""
    preset = common.preset(arg, ("paper", "tiny"))
    clean, noisy = (10.0, 5.0) if preset == "paper" else (8.0, 3.0)
    return common.lud_vae(
        preset,
        stores=("data/ntire20",),
        clean_noise_255=clean,
        noisy_noise_255=noisy,
        sample_noise_255=(10.0, 10.0),
    )

"""ESRGAN by 4 on pairs made of NTIRE 2020's (track 1) real-world super-resolution images.

    senm-jax synthesize --run runs/lud_vae_ntire20 --clean CLEAN --scale 4 \
        --out data/ntire20_made
    senm-jax import-checkpoint --system rrdbnet RRDB_PSNR_x4.pth --out runs/rrdbnet
    senm-jax train --config configs/esrgan/ntire20.py --workdir runs/esrgan_ntire20

CLEAN holds the clean training images as they are; the store pairs them with what a noise model
makes of them reduced by 4. It starts from ``runs/rrdbnet``, whose weights knew the pixel error
alone. The published feature term needs VGG19's weights (senm_jax/metrics/vgg.py says how to write
them): ``--config.hyper.feature_weight=1 --config.hyper.feature_file=vgg19.npz``. Presets ``cpu``
and ``tiny`` are smaller.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return common.esrgan(common.preset(arg, ("tiny", "cpu")), stores=("data/ntire20_made",))

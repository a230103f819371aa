"""DnCNN on SIDD, on synthetic pairs or real ones, as SeNM-VAE trains it.

    senm-jax train --config configs/dncnn/sidd_senm_vae.py --workdir runs/dncnn_sidd

The depth and the loss are not published; those of `sidd` are taken, the same group's. Adam at 1e-4
halved after 100,000 and 200,000 of 300,000 steps, 64 crops of 40x40, the best PSNR kept of a
validation every 5,000. Presets ``cpu`` and ``tiny`` as there.
"""

from configs import common
from configs.dncnn import sidd


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return sidd.recipe(
        common.preset(arg, ("tiny", "cpu")), depth=17, initialiser="orthogonal", loss="l1",
        adam={"halve_at": (100_000, 200_000)}, rows=64, crop=40, steps=300_000,
        validate_every=5000,
    )

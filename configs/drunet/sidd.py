"""DRUNet on SIDD, blind, as SeNM-VAE trains it on its synthetic pairs and the real ones it has.

    senm-jax prepare folder data/sidd --pairs CLEAN NOISY
    senm-jax prepare folder data/sidd_validation --pairs VALIDATION/clean VALIDATION/noisy
    senm-jax train --config configs/drunet/sidd.py --workdir runs/drunet_sidd

``--config.data.stores='("data/sidd","data/made")'`` mixes real and synthetic stores. Adam at 1e-4,
halved after 100,000 and 200,000 of 300,000 steps, 16 crops of 128x128; the best PSNR on
``data/sidd_validation`` is kept. The loss is not published; L1 is that of DRUNet's own training.
Presets ``cpu`` and ``tiny`` are those of `polyu`, which has this recipe too.
"""

from configs.drunet import polyu


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    config = polyu.get_config(arg).unlock()
    config.data.stores = ("data/sidd",)
    config.data.validation = "data/sidd_validation"
    config.best = "validation/restored_psnr"
    return config.lock()

"""DRUNet on SIDD, blind, as SeNM-VAE trains it on its synthetic pairs and the real ones it has.

    senm-jax prepare folder data/sidd --pairs CLEAN NOISY
    senm-jax train --config configs/drunet/sidd.py --workdir runs/drunet_sidd

``--config.data.stores='("data/sidd","data/made")'`` mixes real and synthetic stores. Adam at 1e-4,
halved after 100,000 and 200,000 of 300,000 steps, 16 crops of 128x128; the best PSNR on
``data/sidd_validation`` is kept. The loss is not published; L1 is that of DRUNet's own training.
Preset ``tiny`` is a test of seconds.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    if common.preset(arg, ("tiny",)) == "tiny":
        return common.restorer(
            "drunet", {"widths": (4, 6), "blocks": 1}, {},
            data={"stores": ("data/sidd",), "rows": 2, "crop": 16}, steps=4,
        )
    return common.restorer(
        "drunet",
        {"widths": (64, 128, 256, 512), "blocks": 4, "bias": False, "noise_map": False},
        {"halve_at": (100_000, 200_000)},
        data={"stores": ("data/sidd",), "rows": 16, "crop": 128,
              "validation": "data/sidd_validation"},
        steps=300_000,
        best="validation/restored_psnr",
    )

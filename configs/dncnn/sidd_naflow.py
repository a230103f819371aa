"""DnCNN on SIDD, on synthetic pairs or real ones, as NAFlow trains it: by NeCA's recipe.

    senm-jax train --config configs/dncnn/sidd_naflow.py --workdir runs/dncnn_sidd

20 convolutions, squared error, Adam (0.5, 0.9) at 1e-3, a tenth after a third of 300 epochs, 8
crops of 96x96; an epoch is taken for 2,000 steps, about a crop of each tile of 512 of SIDD-Medium.
Presets ``cpu`` and ``tiny`` as in `sidd`.
"""

from configs import common
from configs.dncnn import sidd


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return sidd.recipe(
        common.preset(arg, ("tiny", "cpu")), depth=20, initialiser="normal", loss="mse",
        adam={"learning_rate": 1e-3, "b1": 0.5, "b2": 0.9, "halve_at": (200_000,), "decay": 0.1},
        rows=8, crop=96, steps=600_000, validate_every=5000,
    )

"""NAFlow on SIDD's sRGB pairs, as published.

    senm-jax prepare polyu SIDD data/sidd_tagged --pairs all
    senm-jax train --config configs/naflow/sidd.py --workdir runs/naflow

wants pairs whose records have SIDD's camera (G4, GP, IP, N6 or S6) and ISO. A scenes.json in SIDD
tells them of each pair, and with the split "test" which are for validation (BUILD.md). Published,
with noise-aware sampling on the validation crops: KLD 0.0305 and AKLD 0.1306, means over cameras.
The preset ``tiny`` is a smoke test.
"""

from configs import common

CONFIGURATIONS = {
    "G4": (100, 200, 400, 800),
    "GP": (50, 100, 200, 400, 800, 1600, 3200, 6400, 10000),
    "IP": (100, 200, 320, 400, 500, 640, 800, 1000, 1600, 2000),
    "N6": (100, 400, 800, 1600, 3200),
    "S6": (100, 200, 400, 800, 1600, 3200),
}
"""The ISO settings of each camera in SIDD-Medium, in the order of the released table."""
SIZES = {
    "": {"levels": 3, "width": 128, "hidden": 64},
    "cpu": {"levels": 2, "width": 32, "hidden": 24},
    "tiny": {"levels": 2, "width": 8, "hidden": 4},
}
ADAM = {
    "": {"learning_rate": 1e-4, "halve_at": (50_000, 75_000, 90_000, 95_000)},
    "cpu": {"learning_rate": 1e-3, "warmup": 50, "schedule": "cosine"},
    "tiny": {"learning_rate": 1e-3},
}
RUN = {
    "": {"steps": 100_000, "checkpoint_every": 10_000, "validate_every": 20_000},
    "cpu": {"steps": 10_000, "checkpoint_every": 2500, "validate_every": 2500},
    "tiny": {"steps": 4, "log_every": 2, "checkpoint_every": 2, "validate_every": 4},
}


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    preset = common.preset(arg, ("tiny",))
    names = common.configuration_names(CONFIGURATIONS)
    return experiment(preset, names, "data/sidd_tagged/train", "data/sidd_tagged/test")


def experiment(preset, configurations, store, validation):
    """The locked config of NAFlow on a store of pairs of these camera configurations."""
    rows, crop = {"": (8, 160), "cpu": (4, 64), "tiny": (2, 24)}[preset]
    return common.experiment(
        method="naflow",
        hyper={
            "configurations": configurations,
            "single_gaussian": False,
            **SIZES[preset],
            "transitions": 2,
            "blocks": 2,
            "sampling": "released",
            "condition_std": 3 / 255,
            "dtype": "float32",
        },
        optimisers={
            "flow": common.optimiser(b2=0.99, skip_not_finite=1000, **ADAM[preset]),
        },
        data={
            "stores": (store,),
            "rows": {"paired": rows, "source": 0, "target": 0},
            "crop": crop,
            "validation": validation,
        },
        **RUN[preset],
    ).lock()

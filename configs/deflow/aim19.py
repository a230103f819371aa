"""DeFlow on AIM 2019's real-world super-resolution images, whose degradation is unknown.

    senm-jax prepare folder data/aim19 --clean CLEAN_X4 --noisy NOISY
    senm-jax train --config configs/deflow/aim19.py --workdir runs/deflow_aim19

CLEAN_X4 holds the clean training images reduced by 4 (bicubic), NOISY the degraded ones as they
are. As published, but that the features begin untrained and not with those of super-resolution
by 8, that crops are turned as well as flipped, and that M begins away from 0 (``first_shift``).
The release configures Adam's betas so that they do not act: they are 0.9 and 0.999. Preset
``tiny`` is a test of seconds.
"""

from configs import common

SIZES = {
    "": {"levels": 3, "steps": 16, "hidden": 128, "scale": 8, "width": 64, "growth": 32,
         "blocks": 23, "tapped": (1, 8, 15, 22)},
    "cpu": {"levels": 2, "steps": 4, "hidden": 24, "scale": 4, "width": 16, "growth": 8,
            "blocks": 2, "tapped": (0,)},
    "tiny": {"levels": 2, "steps": 1, "hidden": 4, "scale": 4, "width": 4, "growth": 2,
             "blocks": 1, "tapped": (0,)},
}
HALVE_AT = (50_000, 75_000, 90_000, 95_000)
ADAM = {
    "": {"learning_rate": 1e-4, "halve_at": HALVE_AT},
    "cpu": {"learning_rate": 1e-3, "warmup": 50, "schedule": "cosine"},
    "tiny": {"learning_rate": 1e-3},
}
RUN = {
    "": {"steps": 100_000, "validate_every": 20_000},
    "cpu": {"steps": 2000, "checkpoint_every": 1000, "validate_every": 1000},
    "tiny": {"steps": 4, "log_every": 2, "checkpoint_every": 2, "validate_every": 4},
}


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    return experiment(
        common.preset(arg, ("tiny",)),
        stores=("data/aim19",),
        match_255={
            "noisy_mean": (120.71678252, 115.66740282, 104.7566205),
            "noisy_std": (54.14952531, 52.60073718, 55.64991431),
            "clean_mean": (114.47609804, 111.67182033, 103.29093697),
            "clean_std": (59.98190873, 57.2422813, 59.9127576),
        },
        match_small_255={
            "noisy_mean": (120.71671803, 115.66735471, 104.75649595),
            "noisy_std": (50.67423609, 49.07204813, 52.3704119),
            "clean_mean": (114.36107384, 111.57875743, 103.19098391),
            "clean_std": (53.36256634, 50.91536884, 54.04613198),
        },
    ).lock()


def experiment(preset, *, stores, validation="", **settings):
    """DeFlow as published on ``stores``, unlocked.

    ``settings`` are those in which the published experiments differ, fields of
    `methods.deflow.Config`. Presets: ``cpu`` smaller, for two cores, ``tiny`` for a test.
    """
    rows, crop = {"": (4, 160), "cpu": (4, 64), "tiny": (2, 16)}[preset]
    hyper = {
        "transitions": 2,
        "condition_std": 0.03,
        "bins": 32,
        "first_shift": 1e-3,
        "match_255": {},
        "match_small_255": {},
        "dtype": "float32",
    }
    return common.experiment(
        method="deflow",
        hyper={**hyper, **SIZES[preset], **settings},
        optimisers={"flow": common.optimiser(skip_not_finite=100, **ADAM[preset])},
        data={
            "stores": stores,
            "rows": {"paired": 0, "source": rows, "target": rows},
            "crop": crop,
            "validation": validation,
        },
        **RUN[preset],
    )

"""DnCNN on photographs with real noise, or on pairs made by a noise model.

    senm-jax prepare polyu DATA data/polyu --pairs all
    senm-jax train --config configs/dncnn/polyu.py --workdir runs/dncnn

``--config.data.stores='("data/polyu/train","data/made")'`` mixes real and synthetic stores.
By default the published downstream recipe: 17 convolutions (20 is the other published depth:
``--config.hyper.architecture.depth=20``), L1, Adam at 1e-4 halved every 100,000 of 300,000 steps,
64 crops of 40x40. ``:cpu`` is a smaller network for two cores, ``:tiny`` a test of seconds;
both let the running statistics move by a tenth a step and not nine tenths, because their batches
are small. Nothing is chosen by the validation store; it is measured to be looked at.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {
        "": {"depth": 17, "width": 64},
        "cpu": {"depth": 8, "width": 32},
        "tiny": {"depth": 3, "width": 8},
    }[preset]
    adam = {
        "": {"learning_rate": 1e-4, "halve_at": (100_000, 200_000)},
        "cpu": {"learning_rate": 1e-3, "warmup": 50, "schedule": "cosine"},
        "tiny": {"learning_rate": 1e-3},
    }[preset]
    rows, crop = {"": (64, 40), "cpu": (16, 40), "tiny": (2, 16)}[preset]
    every = {
        "": {},
        "cpu": {"checkpoint_every": 1000, "validate_every": 1000},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    return common.experiment(
        method="supervised",
        hyper={
            "network": "dncnn",
            "architecture": {
                **size, "body_bias": True, "epsilon": 1e-4,
                "momentum": 0.1 if preset else 0.9, "initialiser": "orthogonal",
            },
            "loss": "l1",
            "dtype": "float32",
        },
        optimisers={"restorer": common.optimiser(**adam)},
        data={
            "stores": ("data/polyu/train",),
            "rows": {"paired": rows, "source": 0, "target": 0},
            "crop": crop,
            "validation": "data/polyu/test",
        },
        steps={"": 300_000, "cpu": 3000, "tiny": 4}[preset],
        **every,
    ).lock()

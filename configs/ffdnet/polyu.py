"""FFDNet on photographs with real noise; each pair's own level is what it is told in training.

    senm-jax prepare polyu DATA data/polyu --pairs all
    senm-jax train --config configs/ffdnet/polyu.py --workdir runs/ffdnet

Rate, rows and crops as in its own training for white noise: L1, Adam at 1e-4, 64 crops of 64x64; it
is halved here as DnCNN's is. It restores from one level, ``hyper.level``: that of the training
photographs.
``:cpu`` is a smaller network for two cores, ``:tiny`` a test of seconds.
"""

from configs import common

NOISE_STD = 0.0185
"""Of the training photographs' noise, on the [0, 1] scale."""


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    depth, width = {"": (12, 96), "cpu": (8, 48), "tiny": (3, 8)}[preset]
    rows, crop = {"": (64, 64), "cpu": (16, 48), "tiny": (2, 16)}[preset]
    adam = {
        "": {"halve_at": (100_000, 200_000)},
        "cpu": {"learning_rate": 1e-3, "warmup": 50, "schedule": "cosine"},
        "tiny": {"learning_rate": 1e-3},
    }[preset]
    every = {
        "": {},
        "cpu": {"checkpoint_every": 1000, "validate_every": 1000},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    return common.restorer(
        "ffdnet", {"depth": depth, "width": width, "channels": 3}, adam, level=NOISE_STD,
        data={"stores": ("data/polyu/train",), "rows": rows, "crop": crop,
              "validation": "data/polyu/test"},
        steps={"": 300_000, "cpu": 3000, "tiny": 4}[preset],
        **every,
    )

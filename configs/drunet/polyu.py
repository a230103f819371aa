"""DRUNet on photographs with real noise, or on pairs made by a noise model.

    senm-jax prepare polyu DATA data/polyu --pairs all
    senm-jax train --config configs/drunet/polyu.py --workdir runs/drunet

``--config.data.stores='("data/polyu/train","data/made")'`` mixes real and synthetic stores. By
default SeNM-VAE's recipe for SIDD. ``:cpu`` is a smaller network for two cores, ``:tiny`` a test of
seconds. Nothing is chosen by the validation store; it is measured to be looked at.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    widths = {"": (64, 128, 256, 512), "cpu": (16, 32, 64, 128), "tiny": (4, 6)}[preset]
    rows, crop = {"": (16, 128), "cpu": (16, 40), "tiny": (2, 16)}[preset]
    adam = {
        "": {"halve_at": (100_000, 200_000)},
        "cpu": {"learning_rate": 2e-3, "warmup": 100, "schedule": "cosine"},
        "tiny": {"learning_rate": 1e-3},
    }[preset]
    every = {
        "": {},
        "cpu": {"checkpoint_every": 1000, "validate_every": 1000},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    return common.restorer(
        "drunet",
        {"widths": widths, "blocks": 1 if preset else 4, "bias": False, "noise_map": False},
        adam,
        data={"stores": ("data/polyu/train",), "rows": rows, "crop": crop,
              "validation": "data/polyu/test"},
        steps={"": 300_000, "cpu": 3000, "tiny": 4}[preset],
        **every,
    )

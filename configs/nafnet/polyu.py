"""NAFNet on photographs with real noise, or on pairs made by a noise model.

    senm-jax prepare polyu DATA data/polyu --pairs all
    senm-jax train --config configs/nafnet/polyu.py --workdir runs/nafnet

``--config.data.stores='("data/polyu/train","data/made")'`` mixes real and synthetic stores. By
default NAFNet's own recipe for SIDD at width 32. ``:cpu`` is a smaller network for two cores,
``:tiny`` a test of seconds. Nothing is chosen by the validation store; it is measured to be looked
at. Photographs are restored by means over the whole of them; of those much larger than the crops,
``--config.hyper.architecture.window='(384,384)'`` makes them local.
"""

from configs import common
from configs.nafnet import sidd


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {"": {"width": 32, **sidd.BLOCKS}, "cpu": sidd.CPU, "tiny": sidd.TINY}
    crop = {"": 256, "cpu": 64, "tiny": 16}[preset]
    every = {
        "": {},
        "cpu": {"checkpoint_every": 1000, "validate_every": 1000},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    recipe = sidd.original(32)
    return common.restorer(
        "nafnet", {**size[preset], "window": (0, 0), "trained_on": (crop, crop)}, recipe["adam"],
        loss="psnr",
        data={"stores": ("data/polyu/train",), "crop": crop, "validation": "data/polyu/test",
              "rows": {"": recipe["rows"], "cpu": 8, "tiny": 2}[preset]},
        steps={"": recipe["steps"], "cpu": 2000, "tiny": 4}[preset],
        **every,
    )

"""NAFlow on the PolyU real-noise photographs, of four cameras.

    senm-jax prepare polyu DATA data/polyu
    senm-jax train --config configs/naflow/polyu.py:cpu --workdir runs/naflow

``--config.hyper.configurations=`` (nothing) takes the camera configurations of whatever stores
``--config.data.stores`` names. ``--config.hyper.single_gaussian=true`` is the ablation with one
Gaussian for all of them.
"""

from configs import common
from configs.naflow import sidd

CONFIGURATIONS = {
    "canon-5d2": (3200, 6400),
    "canon-80d": (800, 6400, 12800),
    "nikon-d800": (3200, 4000, 6400),
    "sony-a7ii": (1600,),
}
"""The ISO settings of each camera among the training scenes."""


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    names = common.configuration_names(CONFIGURATIONS)
    return sidd.experiment(preset, names, "data/polyu/train", "data/polyu/test")

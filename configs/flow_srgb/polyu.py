"""Flow-sRGB on the PolyU real-noise photographs, of four cameras.

    senm-jax prepare polyu DATA data/polyu
    senm-jax train --config configs/flow_srgb/polyu.py:cpu --workdir runs/flow_srgb

The preset ``tiny`` is a smoke test. ``--config.hyper.configurations=`` (nothing) takes the camera
configurations of whatever stores ``--config.data.stores`` names.
"""

from configs import common
from configs.naflow import polyu


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return common.pixel_noise(
        preset,
        method="flow_srgb",
        hyper={
            "configurations": common.configuration_names(polyu.CONFIGURATIONS),
            "groups": 1 if preset == "tiny" else 4,
        },
        store="data/polyu/train",
        validation="data/polyu/test",
    )

"""Noise Flow in its sRGB form on the PolyU real-noise photographs, of four cameras.

    senm-jax prepare polyu DATA data/polyu
    senm-jax train --config configs/noise_flow/polyu.py:cpu --workdir runs/noise_flow

No recipe of the sRGB form is published; this is Flow-sRGB's. The preset ``tiny`` is a smoke test.
``--config.hyper.configurations=`` (nothing) takes the camera configurations of whatever stores
``--config.data.stores`` names.
"""

from configs import common
from configs.naflow import polyu


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return common.pixel_noise(
        preset,
        method="noise_flow",
        hyper={
            "configurations": common.configuration_names(polyu.CONFIGURATIONS),
            "couplings": 2 if preset == "tiny" else 8,
            "dequantise": False,
        },
        store="data/polyu/train",
        validation="data/polyu/test",
    )

"""Heteroscedastic Gaussian noise on the PolyU real-noise photographs, of four cameras: a baseline.

    senm-jax prepare polyu DATA data/polyu
    senm-jax train --config configs/heteroscedastic_gaussian/polyu.py --workdir runs/gaussian

Six numbers for each camera and ISO, quickly found; the preset ``cpu`` is the same. The preset
``tiny`` is a smoke test. ``--config.hyper.configurations=`` (nothing) takes the camera
configurations of whatever stores ``--config.data.stores`` names.
"""

from configs import common
from configs.naflow import polyu


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return common.pixel_noise(
        preset or "cpu",
        method="heteroscedastic_gaussian",
        hyper={"configurations": common.configuration_names(polyu.CONFIGURATIONS)},
        store="data/polyu/train",
        validation="data/polyu/test",
    )

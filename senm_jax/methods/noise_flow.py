"""Noise Flow for sRGB images: scales by camera and ISO among couplings of near neighbours.

A. Abdelhamed, M. A. Brubaker, M. S. Brown, "Noise Flow: Noise Modeling with Conditional Normalizing
Flows", ICCV 2019, in the form for sRGB images with which NAFlow's paper and others compare. The
released code counts 2,330 parameters, for 5 cameras and 5 ISOs: see `nn.pixel_flows.noise_flow`.
The training density uses the statistics of the batch.
"""

import dataclasses
import functools

from senm_jax.methods import base, checks, pixel_noise
from senm_jax.nn import pixel_flows


@dataclasses.dataclass(frozen=True)
class Config:
    """The camera configurations and the depth."""

    configurations: tuple[str, ...] = ()
    """Names as ``CAMERA_00100``; () in a config to be trained stands for those of the training
    stores."""
    couplings: int = 8
    dequantise: bool = False
    """Spreads the noisy image over its 8-bit cells in training. Published: false, and then the
    density may grow without bound at noise that is exactly 0."""


def make(config: Config) -> base.Method:
    """The method, see `pixel_noise.make`.

    Raises:
        ValueError: a field is out of range, or a configuration's name has no ISO.
    """
    checks.at_least(config, {"couplings": 2})
    settings = pixel_noise.camera_settings(config.configurations)
    return pixel_noise.make(config.configurations, pixel_noise.Model(
        name="Noise Flow",
        flow=functools.partial(pixel_flows.noise_flow, settings, config.couplings),
        radius=config.couplings * pixel_flows.COUPLING_RADIUS,
        dequantised=("noisy",) if config.dequantise else (),
    ))

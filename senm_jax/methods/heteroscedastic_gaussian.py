"""Heteroscedastic Gaussian noise: its variance is linear in the clean pixel, a baseline.

``y = x + sqrt(b1 x + b2) n``, n standard normal and independent in every pixel and channel, with
b1 and b2 for each channel and camera configuration, found by maximum likelihood: cameras and ISOs
differ in nothing more than in these, so one pair for all would be a weaker baseline than need be.
A. Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image Raw-Data",
IEEE TIP 2008. The noisy image is dequantised.
"""

import dataclasses

from senm_jax.methods import base, pixel_noise
from senm_jax.nn import camera_scaling


@dataclasses.dataclass(frozen=True)
class Config:
    """The camera configurations."""

    configurations: tuple[str, ...] = ()
    """Their names; () in a config to be trained stands for those of the training stores."""


def make(config: Config) -> base.Method:
    """The method, see `pixel_noise.make`.

    Raises:
        ValueError: there is no configuration, or one twice.
    """
    def flow(*, train):
        return camera_scaling.Heteroscedastic(len(config.configurations))

    return pixel_noise.make(config.configurations, pixel_noise.Model(
        name="heteroscedastic Gaussian noise", flow=flow, radius=0, dequantised=("noisy",),
    ))

"""Flow-sRGB: conditional couplings of near neighbours, and a linear map for each configuration.

S. Kousha, A. Maleky, M. S. Brown, M. A. Brubaker, "Modeling sRGB Camera Noise with Normalizing
Flows", CVPR 2022, as released; both images are dequantised, independently. The release counts 6,160
parameters, for its 25 configurations: see `nn.pixel_flows.flow_srgb`. The training density uses the
statistics of the batch, which has two rows at least.
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
    groups: int = 4
    """Of a conditional linear map and two couplings each."""


def make(config: Config) -> base.Method:
    """The method, see `pixel_noise.make`.

    Raises:
        ValueError: a field is out of range, or a configuration's name has no ISO.
    """
    checks.at_least(config, {"groups": 1})
    settings = pixel_noise.camera_settings(config.configurations)
    return pixel_noise.make(config.configurations, pixel_noise.Model(
        name="Flow-sRGB",
        flow=functools.partial(pixel_flows.flow_srgb, settings, config.groups),
        radius=2 * config.groups * pixel_flows.COUPLING_RADIUS,
        dequantised=("clean", "noisy"),
    ))

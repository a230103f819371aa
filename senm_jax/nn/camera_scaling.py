"""What camera and ISO do to noise: bijectors by camera configuration, without a network.

They follow the contract of `nn.bijectors`; the features that they depend on are a `Given`, and
``u`` is noise, noisy - clean. The signal and the gain layer: A. Abdelhamed, M. A. Brubaker, M. S.
Brown, "Noise Flow: Noise Modeling with Conditional Normalizing Flows", ICCV 2019. The conditional
linear map: S. Kousha, A. Maleky, M. S. Brown, M. A. Brubaker, "Modeling sRGB Camera Noise with
Normalizing Flows", CVPR 2022. Both as the released code has them.
"""

import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import blocks
from senm_jax.nn.bijectors import base


class Given(NamedTuple):
    """What the noise of a row depends on."""

    clean: Float[Array, "b h w c"]
    """In [0, 1]."""
    configuration: Int[Array, "b"]
    """The row's place in the table of camera configurations."""


@dataclasses.dataclass(frozen=True)
class CameraSettings:
    """The camera and the ISO of each configuration, in the order of the table."""

    cameras: tuple[str, ...]
    isos: tuple[int, ...]

    def camera(self, configuration: Int[Array, "b"]) -> Int[Array, "b"]:
        """Each row's camera, counted in the order in which they come first."""
        return _places(self.cameras)[configuration]

    def iso(self, configuration: Int[Array, "b"]) -> Int[Array, "b"]:
        """Each row's ISO, counted likewise."""
        return _places(self.isos)[configuration]

    def counts(self) -> tuple[int, int]:
        """How many cameras and how many ISOs there are."""
        return len(set(self.cameras)), len(set(self.isos))


class CameraGain(nn.Module):
    """``exp(gain[iso] exp(factor[camera])) ISO`` of each row; the ISO number itself multiplies."""

    settings: CameraSettings

    @nn.compact
    def __call__(self, configuration: Int[Array, "b"]) -> Float[Array, "b"]:
        """The gain, a positive number."""
        cameras, isos = self.settings.counts()
        gain = self.param("gain", nn.initializers.constant(-5.0), (isos,), jnp.float32)
        factor = self.param("factor", nn.initializers.ones, (cameras,), jnp.float32)
        number = jnp.array(self.settings.isos, jnp.float32)[configuration]
        own = gain[self.settings.iso(configuration)]
        return number * jnp.exp(own * jnp.exp(factor[self.settings.camera(configuration)]))


class Scaling(nn.Module):
    """``v = u / scale``; log-det ``-sum(log scale)``.

    A leaf gives ``scale(given)``: the noise's standard deviation, to be broadcast over
    [b, h, w, c].
    """

    def forward(self, u: Float[Array, "b h w c"], features: Given) -> base.Result:
        """Towards the latent."""
        scale = self.scale(features)
        return u / scale, -total(jnp.log(scale), u)

    def inverse(self, v: Float[Array, "b h w c"], features: Given) -> base.Result:
        """Towards the noise."""
        scale = self.scale(features)
        return v * scale, total(jnp.log(scale), v)


class SignalLayer(Scaling):
    """Noise Flow's signal layer: ``scale = sqrt(b1 clean / g + b2)``.

    ``b1 = exp(beta1 exp(k1[camera]))``, ``b2`` likewise, and g the `CameraGain`: 2 + 3 for each
    camera + 1 for each ISO parameters.
    """

    settings: CameraSettings

    @nn.compact
    def scale(self, given: Given) -> Float[Array, "b h w c"]:
        """By pixel and channel, of the clean image."""
        camera = self.settings.camera(given.configuration)

        def coefficient(number, first):
            beta = self.param(f"beta_{number}", nn.initializers.constant(first), (), jnp.float32)
            shape = self.settings.counts()[:1]
            factor = self.param(f"factor_{number}", nn.initializers.ones, shape, jnp.float32)
            return jnp.exp(beta * jnp.exp(factor[camera]))

        shot = coefficient(1, -5.0) / CameraGain(self.settings, name="gain")(given.configuration)
        return jnp.sqrt(by_row(shot) * given.clean + by_row(coefficient(2, 0.0)))


class GainLayer(Scaling):
    """Noise Flow's gain layer for sRGB: the scale is the row's `CameraGain`."""

    settings: CameraSettings

    @nn.compact
    def scale(self, given: Given) -> Float[Array, "b 1 1 1"]:
        """By row."""
        return by_row(CameraGain(self.settings, name="gain")(given.configuration))


class Heteroscedastic(Scaling):
    """``scale = sqrt(b1 clean + b2)``, both for each configuration and channel, kept as logarithms.

    A. Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image
    Raw-Data", IEEE TIP 2008, by channel.
    """

    configurations: int
    channels: int = 3

    @nn.compact
    def scale(self, given: Given) -> Float[Array, "b h w c"]:
        """By pixel and channel, of the clean image."""
        shape = (self.configurations, self.channels)
        start = nn.initializers.constant(-7.0)  # variances of about 0.001, a deviation of 0.03
        first = jnp.exp(self.param("log_b1", start, shape, jnp.float32)[given.configuration])
        second = jnp.exp(self.param("log_b2", start, shape, jnp.float32)[given.configuration])
        return jnp.sqrt(first[:, None, None] * given.clean + second[:, None, None])


class ConditionalLinear(nn.Module):
    """``v = u exp(log_scale) + shift``, both for each configuration and channel, 0 at first."""

    configurations: int

    @nn.compact
    def coefficients(
        self, channels: int, given: Given
    ) -> tuple[Float[Array, "b 1 1 c"], Float[Array, "b 1 1 c"]]:
        """Each row's shift and log scale."""
        shape = (self.configurations, channels)
        shift = self.param("shift", blocks.zeros, shape, jnp.float32)[given.configuration]
        log_scale = self.param("log_scale", blocks.zeros, shape, jnp.float32)[given.configuration]
        return shift[:, None, None], log_scale[:, None, None]

    def forward(self, u: Float[Array, "b h w c"], features: Given) -> base.Result:
        """Towards the latent."""
        shift, log_scale = self.coefficients(u.shape[-1], features)
        return u * jnp.exp(log_scale) + shift, total(log_scale, u)

    def inverse(self, v: Float[Array, "b h w c"], features: Given) -> base.Result:
        """Towards the noise."""
        shift, log_scale = self.coefficients(v.shape[-1], features)
        return (v - shift) * jnp.exp(-log_scale), -total(log_scale, v)


def by_row(numbers: Float[Array, "b"]) -> Float[Array, "b 1 1 1"]:
    """One number a row, to be broadcast over images."""
    return numbers[:, None, None, None]


def total(log_scale: Float[Array, "b _ _ _"], image: Float[Array, "b h w c"]) -> Float[Array, "b"]:
    """The sum over the image of what may have to be broadcast to it."""
    repeats = image[0].size // log_scale[0].size
    return repeats * jnp.sum(log_scale, (1, 2, 3))


def _places(names: tuple) -> Int[Array, "n"]:
    """Each name's number in the order in which they come first."""
    order = list(dict.fromkeys(names))
    return jnp.array([order.index(name) for name in names])

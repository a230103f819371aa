"""A simulated camera: shot and read noise, unequal channels, demosaicing, tone curve, 8 bits.

The chain, for an image ``x`` in [0, 1] as a camera would have written it without noise:

1. undo the tone curve: linear light ``l = untone(x)``;
2. add sensor noise, normal, independent for each pixel and channel, of variance
   ``gain * balance * shot * l + (gain * balance * read)**2``
   (photon shot noise and read noise before amplification by ``gain``; white balance then
   multiplies a channel and its noise by ``balance``, which is why channels differ);
3. mix the noise of neighbours as demosaicing does: a separable kernel
   ``(spread, 1, spread)`` in each direction, scaled to leave the variance of step 2 as it is.
   The image itself is taken as already interpolated, so the noise alone is filtered;
4. clip to the sensor's range [0, 1], apply the tone curve, round to 8 bits.

Photon counts are drawn from a normal distribution of their mean and variance, not from a Poisson
one; a pixel of full scale holds ``1 / (gain * shot)`` electrons. The tone curve is a power of 1/2.2
followed by ``3 u**2 - 2 u**3``, as in Brooks et al. (2019), "Unprocessing images for learned raw
denoising".
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from senm_jax.ops import pixels


class Camera(NamedTuple):
    """What a camera model keeps from picture to picture; everything but the gain."""

    shot: float = 2e-3
    """Variance of the noise at full scale and gain 1, in squared units of linear light."""
    read: float = 2e-3
    """Standard deviation of the noise in black at gain 1, in linear light."""
    balance: tuple[float, float, float] = (2.0, 1.0, 1.6)
    """White balance: what red, green and blue are multiplied by, noise and all."""
    spread: float = 0.22
    """The demosaicing kernel's side taps over its centre; see `neighbour_correlation`."""


def tone(linear: Float[Array, "..."]) -> Float[Array, "..."]:
    """The display value in [0, 1] of linear light in [0, 1]."""
    u = linear ** (1 / 2.2)
    return u * u * (3 - 2 * u)


def untone(display: Float[Array, "..."]) -> Float[Array, "..."]:
    """The linear light in [0, 1] of a display value in [0, 1], the inverse of `tone`."""
    u = 0.5 - jnp.sin(jnp.arcsin(1 - 2 * display) / 3)
    return jnp.maximum(u, 0) ** 2.2


def linear_variance(
    linear: Float[Array, "... 3"], gain: Float[Array, ""] | float, camera: Camera
) -> Float[Array, "... 3"]:
    """The variance of the noise in linear light at each value: affine in it (step 2)."""
    amplified = gain * jnp.asarray(camera.balance, linear.dtype)
    return amplified * camera.shot * linear + (amplified * camera.read) ** 2


def neighbour_correlation(camera: Camera) -> Float[Array, ""]:
    """The correlation of the noise of two pixels side by side: ``2 s / (1 + 2 s**2)``."""
    return jnp.float32(2 * camera.spread / (1 + 2 * camera.spread**2))


def expose(
    key: Key[Array, ""],
    clean: Float[Array, "h w 3"],
    gain: Float[Array, ""] | float,
    camera: Camera = Camera(),
) -> Float[Array, "h w 3"]:
    """The photograph the camera takes of ``clean`` at ``gain``: in [0, 1], multiples of 1/255.

    ``clean`` is in [0, 1]. A gain of 1 is the sensor's base sensitivity; the variance of shot noise
    grows in proportion to it, that of read noise with its square.
    """
    linear = jnp.pad(untone(clean), ((1, 1), (1, 1), (0, 0)), mode="edge")
    noise = jax.random.normal(key, linear.shape, linear.dtype)
    noise = noise * jnp.sqrt(linear_variance(linear, gain, camera))
    noise = noise[:-2] * camera.spread + noise[1:-1] + noise[2:] * camera.spread
    noise = noise[:, :-2] * camera.spread + noise[:, 1:-1] + noise[:, 2:] * camera.spread
    noise = noise / (1 + 2 * camera.spread**2)
    exposed = jnp.clip(linear[1:-1, 1:-1] + noise, 0, 1)
    return pixels.to_float(pixels.to_uint8(tone(exposed)))

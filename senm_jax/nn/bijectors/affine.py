"""Affine maps: the network that says their shift and scale, its parts, and both directions."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, initial
from senm_jax.nn.bijectors import actnorm, base


class Coefficients(nn.Module):
    """Shift and scale of an affine map, from what does not change under it.

    1x1 convolution, ActNorm, ReLU, a residual block (3x3, ReLU, 1x1, ActNorm), and a 1x1
    convolution that starts at zero under a learnt gain; the scale is sigmoid(. + 2) + ``floor``,
    about 0.88 at first. Looks one pixel far.
    """

    hidden: int
    floor: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w i"], channels: int
    ) -> tuple[Float[Array, "b h w o"], Float[Array, "b h w o"]]:
        """Shift and scale of ``channels`` channels each, float32."""
        hidden, dtype = self.hidden, self.dtype
        h = nn.relu(normed_conv("first", x, hidden, 1, dtype))
        inner = nn.relu(blocks.conv(hidden, hidden, name="wide", dtype=dtype)(h))
        h = h + normed_conv("second", inner, hidden, 1, dtype)
        return shift_and_scale(zero_conv(self, h, 2 * channels, 1, dtype), self.floor)


def normed_conv(
    name: str, x: Float[Array, "b h w i"], features: int, size: int, dtype: Any
) -> Float[Array, "b h w o"]:
    """A convolution that starts normal with deviation 0.05, then ActNorm; float32.

    For the compact method of a module, under which their parameters lie.
    """
    conv = blocks.conv(
        x.shape[-1], features, size=size, bias=False, kernel_init=initial.normal(0.05), name=name,
        dtype=dtype,
    )
    return actnorm.ActNorm(name=f"{name}_norm").forward(conv(x).astype(jnp.float32))[0]


def zero_conv(
    module: nn.Module, x: Float[Array, "b h w i"], features: int, size: int, dtype: Any
) -> Float[Array, "b h w o"]:
    """A convolution under a learnt gain, ``exp(3 log_gain)``, that starts at zero; float32.

    For the compact method of ``module``, under which their parameters lie.
    """
    out = blocks.conv(
        x.shape[-1], features, size=size, kernel_init=blocks.zeros, bias_init=blocks.zeros,
        name="last", dtype=dtype,
    )(x).astype(jnp.float32)
    return out * jnp.exp(3 * module.param("log_gain", blocks.zeros, (features,), jnp.float32))


def shift_and_scale(
    out: Float[Array, "b h w c2"], floor: float
) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w c"]]:
    """Even channels, and sigmoid(odd channels + 2) + ``floor``."""
    return out[..., ::2], nn.sigmoid(out[..., 1::2] + 2) + floor


def divide(
    u: Float[Array, "b h w c"], shift: Float[Array, "b h w c"], scale: Float[Array, "b h w c"]
) -> base.Result:
    """``u / scale - shift``: towards the latent."""
    return u / scale - shift, -jnp.sum(jnp.log(scale), (1, 2, 3))


def multiply(
    v: Float[Array, "b h w c"], shift: Float[Array, "b h w c"], scale: Float[Array, "b h w c"]
) -> base.Result:
    """``(v + shift) * scale``: towards the image."""
    return (v + shift) * scale, jnp.sum(jnp.log(scale), (1, 2, 3))

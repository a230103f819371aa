"""Convolutions divided by their largest singular value, and VDIR's discriminator made of them.

T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import initial

WIDTHS = (1, 1, 2, 2, 4, 4, 8, 8, 8, 8)
"""Channels of VDIR's discriminator, in units of its width; every second one halves the size."""


class SpectralConv(nn.Module):
    """A 3x3 convolution whose kernel, as a matrix [9 inputs, features], has norm about 1.

    One power iteration a call, from the left vector ``u`` [1, features] that the collection
    ``statistics`` keeps and, where it is mutable, takes the new one of: v = n(u K^T), u' = n(v K),
    and the kernel over v K u'^T; n(a) = a / (|a| + 1e-12). Gradients run through all of it.
    """

    features: int
    stride: int = 1
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w i"]) -> Float[Array, "b h2 w2 o"]:
        """The convolution, padded as TensorFlow's SAME, in ``dtype``."""
        start = initial.truncated_normal(2.0)
        kernel = self.param("kernel", start, (3, 3, x.shape[-1], self.features), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        u = self.variable("statistics", "u", lambda: initial.truncated_normal(1.0)(
            self.make_rng("params"), (1, self.features)))
        matrix = kernel.reshape(-1, self.features)
        v = _unit(u.value @ matrix.T)
        ahead = v @ matrix
        new_u = _unit(ahead)
        if self.is_mutable_collection("statistics") and not self.is_initializing():
            u.value = new_u
        kernel = (kernel / (ahead @ new_u.T)).astype(self.dtype)
        h = jax.lax.conv_general_dilated(
            x.astype(self.dtype), kernel, (self.stride, self.stride), "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return h + bias.astype(self.dtype)


class Discriminator(nn.Module):
    """VDIR's: eleven spectrally normalised convolutions with leaky ReLU 0.2 between them."""

    width: int = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 1"]:
        """Logits, float32, one for each 32x32 pixels (the last ones may be cut short)."""
        h = image
        for i, factor in enumerate(WIDTHS):
            name = f"conv{i // 2 + 1}_{i % 2 + 1}"
            h = SpectralConv(factor * self.width, 1 + i % 2, self.dtype, name=name)(h)
            h = nn.leaky_relu(h, 0.2)
        return SpectralConv(1, dtype=self.dtype, name="conv6_2")(h).astype(jnp.float32)


def _unit(vector: Float[Array, "1 n"]) -> Float[Array, "1 n"]:
    return vector / (jnp.linalg.norm(vector) + 1e-12)

"""RRDBNet: residual-in-residual dense blocks, then enlargement by 4.

X. Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCVW 2018,
figures 3 and 4.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, dense


class RRDB(nn.Module):
    """Three dense blocks in a row; their result times 0.2 is added to the input.

    Reaches 15 pixels.
    """

    features: int = 64
    """Channels of the input and of the result."""
    growth: int = 32
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The block's result, of the input's shape.

        Raises:
            ValueError: the input has not ``features`` channels.
        """
        if x.shape[-1] != self.features:
            raise ValueError(f"RRDB: expected {self.features} channels, got {x.shape[-1]}")
        h = x
        for i in range(3):
            h = blocks.DenseBlock(self.growth, self.dtype, name=f"dense{i + 1}")(h)
        return x + 0.2 * h


class RRDBNet(nn.Module):
    """An image enlarged by 4: a trunk of RRDBs, then twice nearest neighbour and a convolution."""

    width: int = 64
    growth: int = 32
    blocks: int = 23
    channels: int = 3
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters and the result are float32."""

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return 1

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter: 15 a block, 1 each for the convolutions around
        the trunk, and 2 for the four on the finer grids."""
        return 15 * self.blocks + 4

    @property
    def scale(self) -> int:
        """Output size over input size."""
        return 4

    def _conv(self, inputs: int, features: int, name: str) -> nn.Conv:
        return blocks.conv(inputs, features, name=name, dtype=self.dtype)

    @nn.compact
    def __call__(
        self, noisy: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b 4*h 4*w c"]:
        """The enlarged image, float32, not clipped; ``train`` changes nothing."""
        width = self.width
        first = self._conv(noisy.shape[-1], width, "first")(noisy)
        h = first
        for i in range(self.blocks):
            h = RRDB(width, self.growth, self.dtype, name=f"block_{i}")(h)
        h = first + self._conv(width, width, "trunk")(h)
        for i in (1, 2):
            h = dense.leaky(self._conv(width, width, f"up_{i}")(_double(h)))
        h = dense.leaky(self._conv(width, width, "fine")(h))
        return self._conv(width, self.channels, "last")(h).astype(jnp.float32)


def _double(x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w c"]:
    """The nearest neighbour's value on twice the grid."""
    return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)

"""FFDNet: a denoiser on a halved grid that is told the noise level.

K. Zhang et al., "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", IEEE
TIP 2018. Published: 12 convolutions of width 96 for colour (the defaults), 15 of 64 for grey.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import norm
from senm_jax.ops import pixels

orthogonal: norm.Initializer = nn.initializers.orthogonal(0.2)


class FFDNet(nn.Module):
    """Pixel-unshuffle by 2 and the level's map; convolutions with ReLU between; pixel-shuffle.

    The result is the clean image itself, not the noise. A side that is odd is made even by
    repeating its last row or column.
    """

    depth: int = 12
    """Number of convolutions."""
    width: int = 96
    channels: int = 3
    """Of the images; 1: each channel of an image is restored as an image of its own."""
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters and the result are float32."""

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of, to be tiled."""
        return 2

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter: two pixels a convolution, and one in its cell."""
        return 2 * self.depth + 1

    @property
    def scale(self) -> int:
        """Output size over input size."""
        return 1

    @property
    def takes_level(self) -> bool:
        """Whether it is told the noise's standard deviation."""
        return True

    @nn.compact
    def __call__(
        self, noisy: Float[Array, "b h w c"], level: Float[Array, "b"], *, train: bool
    ) -> Float[Array, "b h w c"]:
        """The clean estimate, float32; ``level`` is each row's noise standard deviation on the
        [0, 1] scale. ``train`` changes nothing.

        Raises:
            ValueError: fewer than 2 convolutions, or ``channels`` neither 1 nor the images'.
        """
        b, height, width, c = noisy.shape
        if self.depth < 2:
            raise ValueError(f"depth: an FFDNet has at least 2 convolutions, got {self.depth}")
        if self.channels not in (1, c):
            raise ValueError(f"channels: expected 1 or {c}, the images', got {self.channels}")
        apart = c // self.channels
        x = jnp.moveaxis(noisy.reshape(b, height, width, apart, self.channels), 3, 1)
        x = x.reshape(b * apart, height, width, self.channels)
        x = jnp.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        h = pixels.unshuffle(x, 2)
        told = jnp.repeat(level, apart)[:, None, None, None]
        h = jnp.concatenate([h, jnp.broadcast_to(told, (*h.shape[:3], 1)).astype(h.dtype)], -1)
        for i in range(self.depth - 1):
            h = nn.relu(self._conv(self.width, f"conv_{i}")(h))
        h = self._conv(4 * self.channels, f"conv_{self.depth - 1}")(h)
        y = pixels.shuffle(h.astype(jnp.float32), 2)[:, :height, :width]
        return jnp.moveaxis(
            y.reshape(b, apart, height, width, self.channels), 1, 3
        ).reshape(noisy.shape)

    def _conv(self, features: int, name: str) -> nn.Conv:
        return nn.Conv(features, (3, 3), padding=1, dtype=self.dtype, kernel_init=orthogonal,
                       name=name)

"""DRUNet: a U-Net of residual blocks without normalisation.

K. Zhang et al., "Plug-and-Play Image Restoration with Deep Denoiser Prior", IEEE TPAMI 2021.
"""

import itertools
import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, initial
from senm_jax.ops import pixels


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution; the input is added."""

    bias: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The block's result, of the input's shape."""
        c = x.shape[-1]
        h = blocks.conv(c, c, bias=self.bias, dtype=self.dtype, name="conv1")(x)
        return x + blocks.conv(c, c, bias=self.bias, dtype=self.dtype, name="conv2")(nn.relu(h))


class Enlarge(nn.Module):
    """A 2x2 convolution of stride 2, transposed: a 1x1 one whose results lie in 2x2."""

    features: int
    bias: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w f"]:
        """Twice the height and width."""
        bound = 1 / math.sqrt(4 * self.features)  # PyTorch's rule counts a transposed fan-in
        h = blocks.conv(
            x.shape[-1], 4 * self.features, size=1, bias=False, dtype=self.dtype, name="conv",
            kernel_init=initial.uniform(bound),
        )(x)
        h = pixels.shuffle(h, 2)
        if not self.bias:
            return h
        return h + self.param("bias", initial.uniform(bound), (self.features,)).astype(h.dtype)


class DRUNet(nn.Module):
    """Halves the grid after each width but the last, and comes back the same way.

    A skip is added before the convolution that doubles the grid; nothing is added to the image
    itself. The published models have no bias; the seed papers use it blind.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    blocks: int = 4
    """Residual blocks at each width, on the way down and on the way up."""
    bias: bool = False
    noise_map: bool = False
    """Whether it is told the noise's standard deviation, as one more input channel."""
    channels: int = 3
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters and the result are float32."""

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return 2 ** (len(self.widths) - 1)

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter."""
        finer = self.multiple - 1  # the sum of all cells but the coarsest
        return 2 + 2 * self.blocks * (2 * finer + self.multiple) + finer

    @property
    def scale(self) -> int:
        """Output size over input size."""
        return 1

    @property
    def takes_level(self) -> bool:
        """Whether it is told the noise's standard deviation."""
        return self.noise_map

    def _conv(self, inputs: int, features: int, name: str, **how) -> nn.Conv:
        return blocks.conv(inputs, features, bias=self.bias, dtype=self.dtype, name=name, **how)

    def _stage(self, h: Float[Array, "b h w c"], name: str) -> Float[Array, "b h w c"]:
        for i in range(self.blocks):
            h = ResidualBlock(self.bias, self.dtype, name=f"{name}_{i}")(h)
        return h

    @nn.compact
    def __call__(
        self, noisy: Float[Array, "b h w c"], level: Float[Array, "b"] | None = None, *,
        train: bool,
    ) -> Float[Array, "b h w d"]:
        """The clean estimate, float32; ``train`` changes nothing.

        ``level``, where it has a noise map, is each row's noise standard deviation on the [0, 1]
        scale.

        Raises:
            ValueError: height or width is no multiple of `multiple`.
        """
        rows, height, width, _ = noisy.shape
        if height % self.multiple or width % self.multiple:
            raise ValueError(
                f"DRUNet: expected sides that are multiples of {self.multiple}, got "
                f"{height}x{width}: choose such a crop"
            )
        x = noisy
        if self.noise_map:
            told = jnp.broadcast_to(level[:, None, None, None], (rows, height, width, 1))
            x = jnp.concatenate([noisy, told.astype(noisy.dtype)], -1)
        skips = [self._conv(x.shape[-1], self.widths[0], "head")(x)]
        for i, (before, after) in enumerate(itertools.pairwise(self.widths), 1):
            h = self._stage(skips[-1], f"down_{i}")
            halve = self._conv(before, after, f"shrink_{i}", size=2, stride=2, padding=0)
            skips.append(halve(h))
        h = self._stage(skips[-1], "body")
        for i in range(len(self.widths) - 1, 0, -1):
            h = h + skips.pop()
            h = Enlarge(self.widths[i - 1], self.bias, self.dtype, name=f"enlarge_{i}")(h)
            h = self._stage(h, f"up_{i}")
        h = self._conv(self.widths[0], self.channels, "tail")(h + skips.pop())
        return h.astype(jnp.float32)

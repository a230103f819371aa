"""VDIR's restorer: a residual trunk that is given the latent, or sees the image alone.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them. The paper does not tell the super-resolver's upsampler, which here is a 3x3
convolution and a pixel shuffle for each factor of 2.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import blocks, vdir_latent
from senm_jax.ops import pixels

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "_ _ _ _"]


class ResidualGroup(nn.Module):
    """A residual in residual (RIR) block: ``layers`` residual blocks, a convolution, the input."""

    layers: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Image) -> Image:
        """The block's result, of the input's shape; reaches 2 ``layers`` + 1 pixels."""
        width, h = x.shape[-1], x
        for i in range(self.layers):
            inner = nn.relu(vdir_latent.conv(width, width, f"block{i}_conv1", self.dtype)(h))
            h = h + vdir_latent.conv(width, width, f"block{i}_conv2", self.dtype)(inner)
        return x + vdir_latent.conv(width, width, "conv_out", self.dtype)(h)


class Restorer(nn.Module):
    """The residual trunk; behind it the image is added, or it is enlarged without.

    Alone, it is the blind restorer of Table IX's first row.
    """

    width: int = 64
    blocks: int = 5
    """RIR blocks."""
    layers: int = 5
    """Residual blocks in each."""
    scale: int = 1
    """Output size over input size, a power of 2."""
    open_start: bool = False
    """Whether the last convolution starts at zero: a start for short trainings, at which an image
    of the output's size passes as it is; False is the published start."""
    dtype: Any = jnp.float32

    multiple = 1
    """What height and width must be multiples of, without a latent."""

    @property
    def radius(self) -> int:
        """How far away a pixel, of the image or of the enlarged latent, can matter."""
        return self.blocks * (2 * self.layers + 1) + (3 if self.scale == 1 else 4)

    @property
    def latent_radius(self) -> int:
        """How far away a pixel of the image can matter through the latent."""
        return self.radius + 26

    @nn.compact
    def __call__(
        self, noisy: Image, latent: Latent | None = None, origin: Int[Array, "b 2"] | None = None,
        *, train: bool = False,
    ) -> Float[Array, "b H W c"]:
        """The clean estimate, float32; without a latent the image alone is seen.

        ``origin`` says where in its image a tile lies.
        It is the same in training: ``train`` is there for `methods.supervised`.
        """
        w, channels, given = self.width, noisy.shape[-1], noisy
        if latent is not None:
            latent = vdir_latent.Upsample()(latent, noisy.shape[1:3], origin)
            given = jnp.concatenate([noisy, latent], -1)
        first = h = vdir_latent.conv(given.shape[-1], w, "conv1", self.dtype)(given)
        for i in range(self.blocks):
            h = ResidualGroup(self.layers, self.dtype, name=f"group{i}")(h)
        h = first + vdir_latent.conv(w, w, "conv2", self.dtype)(h)
        for i in range(self.scale.bit_length() - 1):
            h = pixels.shuffle(vdir_latent.conv(w, 4 * w, f"up{i}", self.dtype)(h), 2)
        start = blocks.zeros if self.open_start else vdir_latent.lecun
        out = vdir_latent.conv(w, channels, "conv3", self.dtype, start)(h).astype(jnp.float32)
        return noisy + out if self.scale == 1 else out

"""FFDNet as a restorer of VDIR's: it is given the latent in the place of its noise map.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022, Table XI, which does
not tell how: here at half size, that of FFDNet's phases.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import vdir_latent
from senm_jax.ops import pixels

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "_ _ _ _"]


class Phases(nn.Module):
    """The four half-size phases of an image, whose odd side's last row or column is repeated."""

    border = "edge"
    """See `inference.borders`."""

    @nn.compact
    def __call__(self, x: Image) -> Image:
        """Half the height and width, rounded up, and four times the channels."""
        pad = ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0))
        return pixels.unshuffle(jnp.pad(x, pad, mode="edge"), 2)


class FFDNet(nn.Module):
    """FFDNet's body given the latent map in the place of the noise level's (Table XI).

    K. Zhang et al., "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising",
    TIP 2018: convolutions on the image's four half-size phases, without residual.
    """

    width: int = 96
    depth: int = 12
    """Number of convolutions."""
    dtype: Any = jnp.float32
    scale = 1

    @property
    def latent_radius(self) -> int:
        """How far away a pixel of the image can matter, through the latent."""
        return 2 * self.depth + 24

    @nn.compact
    def __call__(
        self, noisy: Image, latent: Latent, origin: Int[Array, "b 2"] | None = None
    ) -> Image:
        """The clean estimate, float32; ``origin`` says where in its image a tile lies."""
        _, height, width, channels = noisy.shape
        h = Phases()(noisy)
        h = jnp.concatenate([h, vdir_latent.Upsample()(latent, h.shape[1:3], origin)], -1)
        for i in range(self.depth - 1):
            h = nn.relu(vdir_latent.conv(h.shape[-1], self.width, f"conv{i}", self.dtype)(h))
        h = vdir_latent.conv(h.shape[-1], 4 * channels, f"conv{self.depth - 1}", self.dtype)(h)
        return pixels.shuffle(h.astype(jnp.float32), 2)[:, :height, :width]

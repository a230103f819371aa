"""VDIR: a latent map that tells how an image is degraded, and a restorer that is given it.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them. Symbols: x clean, y degraded, c the latent, [ceil(h/4), ceil(w/4)] of the image's
size. The restorers are in `nn.vdir_restorer` and `nn.vdir_ffdnet`.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import vdir_latent
from senm_jax.ops import resize

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "_ _ _ _"]


class Pool(nn.Module):
    """The largest of every 2x2; an odd side's last row or column is pooled alone."""

    border = "lowest"
    """See `inference.borders`."""

    @nn.compact
    def __call__(self, x: Image) -> Image:
        """Half the height and width, rounded up."""
        b, h, w, c = x.shape
        if h % 2 or w % 2:
            pad = ((0, 0), (0, h % 2), (0, w % 2), (0, 0))
            x = jnp.pad(x, pad, constant_values=-jnp.inf)
        return jnp.max(x.reshape(b, -(-h // 2), 2, -(-w // 2), 2, c), (2, 4))


class Encoder(nn.Module):
    """q(c|y), a Gaussian; reaches 17 pixels up and left and 20 down and right of a cell's first."""

    width: int = 64
    latent: int = 4
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, noisy: Image) -> tuple[Latent, Latent]:
        """Mean and log-variance, float32; an odd side counts its last pixel as a cell."""
        w = self.width
        h = nn.relu(Pool()(vdir_latent.conv(noisy.shape[-1], w, "conv1", self.dtype)(noisy)))
        h = nn.relu(vdir_latent.conv(w, w, "conv2", self.dtype)(h))
        h = nn.relu(Pool()(vdir_latent.conv(w, w, "conv3", self.dtype)(h)))
        h = nn.relu(vdir_latent.conv(w, w, "conv4", self.dtype)(h))
        h = vdir_latent.conv(w, w, "conv5", self.dtype)(h)
        heads = (vdir_latent.conv(w, self.latent, name, self.dtype)(h)
                 for name in ("mean", "log_variance"))
        return tuple(head.astype(jnp.float32) for head in heads)


class VDIR(nn.Module):
    """What restores: the encoder, and a restorer that is given the latent."""

    restorer: nn.Module
    width: int = 64
    """Of the encoder."""
    latent: int = 4
    dtype: Any = jnp.float32

    multiple = vdir_latent.CELL
    """What tiles must be multiples of; images may have any size."""

    def setup(self):
        self.encoder = Encoder(self.width, self.latent, self.dtype)

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter."""
        return self.restorer.latent_radius

    def encode(self, noisy: Image) -> tuple[Latent, Latent]:
        """Mean and log-variance of the latent."""
        return self.encoder(noisy)

    def restore(
        self, noisy: Image, latent: Latent, origin: Int[Array, "b 2"] | None = None
    ) -> Float[Array, "b H W c"]:
        """The clean estimate under a latent, [0, 1] and not clipped; ``origin`` says where in its
        image a tile lies."""
        return self.restorer(noisy, latent, origin)

    def __call__(self, noisy: Image) -> Float[Array, "b H W c"]:
        """The clean estimate under the latent's mean."""
        return self.restore(noisy, self.encode(noisy)[0])


class Decoder(nn.Module):
    """p(y|c): the degraded image from the latent."""

    width: int = 64
    channels: int = 3
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Latent) -> Image:
        """The reconstruction, float32."""
        w = self.width
        h = nn.relu(_doubled(vdir_latent.conv(latent.shape[-1], w, "conv_in", self.dtype)(latent)))
        h = nn.relu(vdir_latent.conv(w, w, "conv1", self.dtype)(h))
        h = nn.relu(_doubled(vdir_latent.conv(w, w, "conv2", self.dtype)(h)))
        h = nn.relu(vdir_latent.conv(w, w, "conv3", self.dtype)(h))
        return vdir_latent.conv(w, self.channels, "conv_out", self.dtype)(h).astype(jnp.float32)


def _doubled(x: Image) -> Image:
    """Every pixel four times."""
    return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)


class Estimator(nn.Module):
    """f(T) from the latent: ``outputs`` numbers at every cell, or at every pixel."""

    outputs: int = 3
    at_pixels: bool = True
    """Whether the map is enlarged to the image's size."""
    width: int = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Latent) -> Image:
        """The estimate, float32."""
        h = nn.relu(vdir_latent.conv(latent.shape[-1], self.width, "conv1", self.dtype)(latent))
        h = vdir_latent.conv(self.width, self.outputs, "conv2", self.dtype)(h).astype(jnp.float32)
        cells = h.shape[1:3]
        return resize.bilinear_tf1(h, (4 * cells[0], 4 * cells[1])) if self.at_pixels else h

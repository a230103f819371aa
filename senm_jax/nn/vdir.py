"""VDIR: a latent map that tells how an image is degraded, and a restorer that is given it.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them. Symbols: x clean, y degraded, c the latent, [ceil(h/4), ceil(w/4)] of the image's
size. The paper tells neither the super-resolver's upsampler, which here is a 3x3 convolution and a
pixel shuffle for each factor of 2, nor how FFDNet is given c: here at half size, in the place of
its noise map.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from senm_jax.nn import blocks, initial
from senm_jax.ops import pixels, resize

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "_ _ _ _"]
CELL = 4
"""Pixels of the image that a cell of the latent is wide."""
_lecun = initial.truncated_normal(1.0)


def _conv(
    inputs: int, features: int, name: str, dtype: Any, kernel_init: initial.Initializer = _lecun
) -> nn.Conv:
    return blocks.conv(inputs, features, name=name, dtype=dtype, kernel_init=kernel_init,
                       bias_init=blocks.zeros)


class Upsample(nn.Module):
    """The latent enlarged as by `resize.bilinear_tf1`, whose places depend on the whole image's
    size where that is no multiple of 4."""

    border = "end"
    """See `inference.borders`."""

    @nn.compact
    def __call__(
        self, latent: Latent, size: tuple[int, int], origin: Int[Array, "b 2"] | None = None,
        end: Int[Array, "b 2"] | None = None,
    ) -> Image:
        """The map at ``size`` (height, width), float32.

        ``origin`` and ``end`` say where a tile lies in its image, and where in the tile the image
        ends, both in the image's pixels; without ``end`` the latent is an image's own.
        """
        if end is None:
            return resize.bilinear_tf1(latent, size)
        for axis, length in enumerate(size):
            step = CELL * latent.shape[axis + 1] // length
            start, whole = origin[:, axis, None], (origin + end)[:, axis, None]
            cells, places = -(-whole // CELL), -(-whole // step)
            place = (start // step + jnp.arange(length)) * (cells / places)
            place = jnp.minimum(place, cells - 1) - start / CELL
            latent = resize.linear(latent, axis + 1, place)
        return latent


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


class Phases(nn.Module):
    """The four half-size phases of an image, whose odd side's last row or column is repeated."""

    border = "edge"
    """See `inference.borders`."""

    @nn.compact
    def __call__(self, x: Image) -> Image:
        """Half the height and width, rounded up, and four times the channels."""
        pad = ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0))
        return pixels.unshuffle(jnp.pad(x, pad, mode="edge"), 2)


class Encoder(nn.Module):
    """q(c|y), a Gaussian; reaches 17 pixels up and left and 20 down and right of a cell's first."""

    width: int = 64
    latent: int = 4
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, noisy: Image) -> tuple[Latent, Latent]:
        """Mean and log-variance, float32; an odd side counts its last pixel as a cell."""
        w = self.width
        h = nn.relu(Pool()(_conv(noisy.shape[-1], w, "conv1", self.dtype)(noisy)))
        h = nn.relu(_conv(w, w, "conv2", self.dtype)(h))
        h = nn.relu(Pool()(_conv(w, w, "conv3", self.dtype)(h)))
        h = nn.relu(_conv(w, w, "conv4", self.dtype)(h))
        h = _conv(w, w, "conv5", self.dtype)(h)
        heads = (_conv(w, self.latent, name, self.dtype)(h) for name in ("mean", "log_variance"))
        return tuple(head.astype(jnp.float32) for head in heads)


class ResidualGroup(nn.Module):
    """A residual in residual (RIR) block: ``layers`` residual blocks, a convolution, the input."""

    layers: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Image) -> Image:
        """The block's result, of the input's shape; reaches 2 ``layers`` + 1 pixels."""
        width, h = x.shape[-1], x
        for i in range(self.layers):
            inner = nn.relu(_conv(width, width, f"block{i}_conv1", self.dtype)(h))
            h = h + _conv(width, width, f"block{i}_conv2", self.dtype)(inner)
        return x + _conv(width, width, "conv_out", self.dtype)(h)


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
            latent = Upsample()(latent, noisy.shape[1:3], origin)
            given = jnp.concatenate([noisy, latent], -1)
        first = h = _conv(given.shape[-1], w, "conv1", self.dtype)(given)
        for i in range(self.blocks):
            h = ResidualGroup(self.layers, self.dtype, name=f"group{i}")(h)
        h = first + _conv(w, w, "conv2", self.dtype)(h)
        for i in range(self.scale.bit_length() - 1):
            h = pixels.shuffle(_conv(w, 4 * w, f"up{i}", self.dtype)(h), 2)
        start = blocks.zeros if self.open_start else _lecun
        out = _conv(w, channels, "conv3", self.dtype, start)(h).astype(jnp.float32)
        return noisy + out if self.scale == 1 else out


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
        h = jnp.concatenate([h, Upsample()(latent, h.shape[1:3], origin)], -1)
        for i in range(self.depth - 1):
            h = nn.relu(_conv(h.shape[-1], self.width, f"conv{i}", self.dtype)(h))
        h = _conv(h.shape[-1], 4 * channels, f"conv{self.depth - 1}", self.dtype)(h)
        return pixels.shuffle(h.astype(jnp.float32), 2)[:, :height, :width]


class VDIR(nn.Module):
    """What restores: the encoder, and a restorer that is given the latent."""

    restorer: nn.Module
    width: int = 64
    """Of the encoder."""
    latent: int = 4
    dtype: Any = jnp.float32

    multiple = CELL
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
        h = nn.relu(_doubled(_conv(latent.shape[-1], w, "conv_in", self.dtype)(latent)))
        h = nn.relu(_conv(w, w, "conv1", self.dtype)(h))
        h = nn.relu(_doubled(_conv(w, w, "conv2", self.dtype)(h)))
        h = nn.relu(_conv(w, w, "conv3", self.dtype)(h))
        return _conv(w, self.channels, "conv_out", self.dtype)(h).astype(jnp.float32)


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
        h = nn.relu(_conv(latent.shape[-1], self.width, "conv1", self.dtype)(latent))
        h = _conv(self.width, self.outputs, "conv2", self.dtype)(h).astype(jnp.float32)
        cells = h.shape[1:3]
        return resize.bilinear_tf1(h, (4 * cells[0], 4 * cells[1])) if self.at_pixels else h

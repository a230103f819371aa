"""NAFNet: a U-Net whose only non-linearities are products of halves and channel attention.

L. Chen et al., "Simple Baselines for Image Restoration", ECCV 2022. The means over the whole image
may become means over windows where images are larger than those it was trained on: X. Chu et al.,
"Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks
from senm_jax.ops import pixels

EPSILON = 1e-6
"""Inside the square root of the normalisation over channels."""

Window = tuple[int, int] | None


class DepthwiseConv(nn.Module):
    """A 3x3 convolution of each channel by itself, zeros beyond the border.

    Nine shifted products, which XLA makes one loop of; its own grouped convolution is slow on CPUs.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The result, of the input's shape."""
        height, width, c = x.shape[1:]
        kernel = self.param("kernel", blocks.uniform_fan_in, (3, 3, 1, c)).astype(self.dtype)
        bias = self.param("bias", blocks.bias_within(9), (c,)).astype(self.dtype)
        x = jnp.pad(x.astype(self.dtype), ((0, 0), (1, 1), (1, 1), (0, 0)))
        return bias + sum(
            x[:, i : i + height, j : j + width] * kernel[i, j, 0]
            for i in range(3) for j in range(3)
        )


class Block(nn.Module):
    """Depthwise convolution, gate and channel attention; then a gate alone. Each is added to what
    it was made of, times a learnt factor per channel that starts at 0."""

    window: Window = None
    """Height and width that attention averages over; None: the whole."""
    dtype: Any = jnp.float32

    def _conv(self, inputs: int, features: int, name: str) -> nn.Conv:
        return blocks.conv(inputs, features, size=1, dtype=self.dtype, name=name)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The block's result, float32, of the input's shape."""
        c = x.shape[-1]
        beta = self.param("beta", nn.initializers.zeros, (c,))
        gamma = self.param("gamma", nn.initializers.zeros, (c,))
        h = self._conv(c, 2 * c, "conv1")(_norm("norm1")(x))
        h = _gate(DepthwiseConv(self.dtype, name="conv2")(h))
        h = h * self._conv(c, c, "attention")(local_mean(h, self.window))
        y = x + beta * self._conv(c, c, "conv3")(h)
        h = _gate(self._conv(c, 2 * c, "conv4")(_norm("norm2")(y)))
        return y + gamma * self._conv(c, c, "conv5")(h)


class NAFNet(nn.Module):
    """Halves the grid after each stage of blocks, doubling the channels, and comes back.

    The image is added to the result. Sides are made multiples of the coarsest cell by zeros at the
    bottom and at the right. The defaults are those of the SIDD models, of width 32 or 64.
    """

    width: int = 32
    encoder: tuple[int, ...] = (2, 2, 4, 8)
    """Blocks of each stage on the way down."""
    middle: int = 12
    decoder: tuple[int, ...] = (2, 2, 2, 2)
    """Blocks of each stage on the way up, coarsest first."""
    window: tuple[int, int] = (0, 0)
    """Height and width, in pixels, that attention averages over when it restores, shared out over
    the grids in proportion to `trained_on`; published: 1.5 times that. (0, 0): the whole image."""
    trained_on: tuple[int, int] = (256, 256)
    """Height and width of the training crops; of use to ``window`` alone."""
    channels: int = 3
    dtype: Any = jnp.float32
    """Type of the convolutions; normalisations, sums and the result are float32."""

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of; it pads by itself."""
        return 1

    @property
    def radius(self) -> None:
        """An output pixel depends on the whole image."""
        return None

    @property
    def scale(self) -> int:
        """Output size over input size."""
        return 1

    def _windows(self, train: bool) -> list[Window]:
        """What each grid's attention averages over, finest first."""
        grids = range(len(self.encoder) + 1)
        if train or not all(self.window):
            return [None for _ in grids]
        cell = 2 ** len(self.encoder)
        return [
            tuple(
                -(-size // cell) * cell // 2**grid * side // size
                for size, side in zip(self.trained_on, self.window, strict=True)
            )
            for grid in grids
        ]

    @nn.compact
    def __call__(
        self, noisy: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b h w c"]:
        """The clean estimate, float32; ``train`` averages over the whole whatever ``window``.

        Raises:
            ValueError: the decoder has not as many stages as the encoder.
        """
        if len(self.encoder) != len(self.decoder):
            raise ValueError(
                f"decoder: expected as many stages as the encoder's {len(self.encoder)}, got "
                f"{len(self.decoder)}"
            )
        height, width = noisy.shape[1:3]
        cell = 2 ** len(self.encoder)
        image = jnp.pad(noisy, ((0, 0), (0, -height % cell), (0, -width % cell), (0, 0)))
        windows = self._windows(train)

        def stage(h, name, count, grid):
            for i in range(count):
                h = Block(windows[grid], self.dtype, name=f"{name}_{i}")(h)
            return h

        def conv(h, features, name, **how):
            layer = blocks.conv(h.shape[-1], features, dtype=self.dtype, name=name, **how)
            return layer(h).astype(jnp.float32)

        h, skips = conv(image, self.width, "intro"), []
        for grid, count in enumerate(self.encoder):
            h = stage(h, f"encoder_{grid}", count, grid)
            skips.append(h)
            h = conv(h, 2 * h.shape[-1], f"down_{grid}", size=2, stride=2, padding=0)
        h = stage(h, "middle", self.middle, len(skips))
        for i, count in enumerate(self.decoder):
            h = conv(h, 2 * h.shape[-1], f"up_{i}", size=1, bias=False)
            h = pixels.shuffle(h, 2) + skips.pop()
            h = stage(h, f"decoder_{i}", count, len(skips))
        restored = conv(h, self.channels, "ending") + image.astype(jnp.float32)
        return restored[:, :height, :width]


def local_mean(x: Float[Array, "b h w c"], window: Window) -> Float[Array, "b H W c"]:
    """The mean over a window of (height, width) around each place, in float32.

    Windows do not reach beyond the border: where one would, its place takes the nearest mean there
    is. A window that covers ``x``, or None, gives the mean over the whole, [b, 1, 1, c].
    """
    x = x.astype(jnp.float32)
    if window is None or all(a >= b for a, b in zip(window, x.shape[1:3], strict=True)):
        return jnp.mean(x, (1, 2), keepdims=True)
    for axis, length in enumerate(window, 1):
        whole, length = x.shape[axis], min(length, x.shape[axis])
        sums = jnp.cumsum(x, axis)
        first = jax.lax.slice_in_dim(sums, length - 1, whole, axis=axis)
        before = jax.lax.slice_in_dim(sums, 0, whole - length, axis=axis)
        pad = [(1, 0) if each == axis else (0, 0) for each in range(4)]
        means = (first - jnp.pad(before, pad)) / length
        pad = [((length - 1) // 2, length // 2) if each == axis else (0, 0) for each in range(4)]
        x = jnp.pad(means, pad, mode="edge")
    return x


def _norm(name: str) -> nn.LayerNorm:
    """Over each place's channels."""
    return nn.LayerNorm(EPSILON, dtype=jnp.float32, use_fast_variance=False, name=name)


def _gate(x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
    """The product of the channels' halves."""
    first, second = jnp.split(x, 2, -1)
    return first * second

"""Blocks that several networks share, with the original implementations' initialisation."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from senm_jax.nn import dense, initial
from senm_jax.ops import pixels

Initializer = initial.Initializer

uniform_fan_in = initial.fan_in_uniform()
"""PyTorch's default weight."""
he_tenth = initial.fan_in_normal(0.1 * math.sqrt(2))
"""Normal with standard deviation 0.1 sqrt(2 / fan_in): a residual dense block's weight."""
zeros = nn.initializers.zeros


def bias_within(fan_in: int) -> Initializer:
    """PyTorch's default bias: uniform within 1 / sqrt(fan_in)."""
    return initial.uniform(1 / math.sqrt(fan_in))


def require_sides(network: str, image: Float[Array, "b h w _"], multiple: int) -> None:
    """Raises ValueError unless height and width are multiples of ``multiple``."""
    height, width = image.shape[1:3]
    if height % multiple or width % multiple:
        raise ValueError(
            f"{network}: expected a height and width by {multiple}s, got {height}x{width} pixels; "
            "crop or pad the image"
        )


def conv(
    inputs: int,
    features: int,
    *,
    name: str | None = None,
    dtype: Any,
    size: int = 3,
    stride: int = 1,
    padding: int | None = None,
    bias: bool = True,
    kernel_init: Initializer = uniform_fan_in,
    bias_init: Initializer | None = None,
) -> nn.Conv:
    """A square convolution of ``inputs`` channels that starts like PyTorch's.

    Pads by half its size with zeros unless told otherwise; the bias starts uniform within
    1 / sqrt(fan_in) unless told otherwise.
    """
    pad = size // 2 if padding is None else padding
    default_bias = bias_within(inputs * size * size)
    return nn.Conv(
        features,
        (size, size),
        (stride, stride),
        padding=((pad, pad), (pad, pad)),
        use_bias=bias,
        kernel_init=kernel_init,
        bias_init=bias_init or default_bias,
        dtype=dtype,
        name=name,
        conv_general_dilated=_convolve,
    )


def _convolve(x, kernel, *args, **options):
    """lax's convolution, whose gradients are begun when they are due: on a CPU XLA would lay the
    input out for the kernel's as soon as it stands, and keep that until then."""
    return jax.checkpoint(
        lambda x, kernel: lax.conv_general_dilated(x, kernel, *args, **options)
    )(x, kernel)


class Weights(nn.Module):
    """A 3x3 convolution's kernel and bias as a residual dense block draws them."""

    inputs: int
    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self) -> tuple[Float[Array, "3 3 i o"], Float[Array, "o"]]:
        """Kernel and bias in the compute type."""
        kernel = self.param("kernel", he_tenth, (3, 3, self.inputs, self.features), jnp.float32)
        bias = self.param("bias", zeros, (self.features,), jnp.float32)
        return jnp.asarray(kernel, self.dtype), jnp.asarray(bias, self.dtype)


class DenseRest(nn.Module):
    """A residual dense block behind its first convolution, whose result is given."""

    growth: int
    dtype: Any = jnp.float32
    border = "mask"
    """See `inference.borders`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], first: Float[Array, "b h w g"],
        inside: Bool[Array, "b h w 1"] | None = None,
    ) -> Float[Array, "b h w c"]:
        """``x + 0.2 * fifth``, each convolution seeing the input and all results before it.

        Where ``inside`` is given, they see zeros beyond it.
        """
        channels, growth = x.shape[-1], self.growth
        weights = [
            Weights(channels + k * growth, features, self.dtype, name=f"conv{k + 1}")()
            for k, features in enumerate((growth, growth, growth, channels), 1)
        ]
        kernels, biases = zip(*weights, strict=True)
        given = x.astype(self.dtype), first, kernels, biases
        h = dense.dense(*given) if inside is None else dense.dense_inside(inside, *given)
        return x + 0.2 * h


class DenseBlock(nn.Module):
    """R(c): five 3x3 convolutions, each seeing the input and all results before it.

    X. Wang et al., "ESRGAN", ECCVW 2018, with leaky ReLU after the first four; the fifth's
    result times 0.2 is added to the input. Reaches 5 pixels.
    """

    growth: int = 32
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The block's result, of the input's shape."""
        first = conv(
            x.shape[-1],
            self.growth,
            name="conv1",
            dtype=self.dtype,
            kernel_init=he_tenth,
            bias_init=zeros,
        )(x)
        return DenseRest(self.growth, self.dtype, name="rest")(x, first)


class GaussianHead(nn.Module):
    """Mean and log standard deviation, each by a residual dense block and a last convolution.

    The two branches' first convolutions see the same input and are one convolution here.
    Reaches 5 pixels, and one more where the last convolution is 3x3.
    """

    features: int
    growth: int = 32
    size: int = 1
    """The last convolutions'."""
    kernel_init: Initializer = zeros
    """The last convolutions'."""
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w f"], Float[Array, "b h w f"]]:
        """Mean and log standard deviation, float32."""
        channels = x.shape[-1]
        first = conv(
            channels,
            2 * self.growth,
            name="conv1",
            dtype=self.dtype,
            kernel_init=he_tenth,
            bias_init=zeros,
        )(x)
        results = []
        for branch, share in zip(("mean", "log_std"), jnp.split(first, 2, -1), strict=True):
            h = DenseRest(self.growth, self.dtype, name=branch)(x, share)
            last = conv(
                channels,
                self.features,
                size=self.size,
                name=f"{branch}_out",
                dtype=self.dtype,
                kernel_init=self.kernel_init,
            )(h)
            results.append(last.astype(jnp.float32))
        return tuple(results)


class Down(nn.Module):
    """Pixel-unshuffle by 2, then a 3x3 convolution back to the input's channels."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        """Half the height and width, the same channels."""
        channels = x.shape[-1]
        x = pixels.unshuffle(x, 2)
        return conv(4 * channels, channels, name="conv", dtype=self.dtype)(x)


class Up(nn.Module):
    """Pixel-shuffle by 2, then a 3x3 convolution back to the input's channels."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        """Twice the height and width, the same channels (a multiple of 4)."""
        channels = x.shape[-1]
        x = pixels.shuffle(x, 2)
        return conv(channels // 4, channels, name="conv", dtype=self.dtype)(x)

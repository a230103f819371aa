"""NAFlow's network: an invertible map from noisy images to a latent, given the clean image.

D. Kim, D. Jung, S. Baik, T. H. Kim, "sRGB Real Noise Modeling via Noise-Aware Sampling with
Normalizing Flows", ICLR 2024, as its released code computes it. Symbols: x clean, y noisy,
z latent. The densities of z, one for each camera configuration, are in `nn.camera_gaussians`.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks
from senm_jax.nn.bijectors import actnorm, chain, coupling, injector, invertible_conv, squeeze
from senm_jax.ops import pixels

Image = Float[Array, "_ _ _ 3"]


class Point(nn.Module):
    """Kernel and bias of a 1x1 convolution, drawn as PyTorch's."""

    inputs: int
    features: int

    @nn.compact
    def __call__(self) -> tuple[Float[Array, "i o"], Float[Array, "o"]]:
        """The matrix and the bias."""
        shape = (1, 1, self.inputs, self.features)
        kernel = self.param("kernel", blocks.uniform_fan_in, shape, jnp.float32)
        bound = blocks.bias_within(self.inputs)
        bias = self.param("bias", bound, (self.features,), jnp.float32)
        return kernel[0, 0], bias


class Conditioning(nn.Module):
    """What every level is told of the clean image: linear features, of ``width`` channels.

    At level k, of 2**k pixels a cell, an affine function of the pixels under a cell.
    """

    width: int
    levels: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Image) -> list[Float[Array, "b _ _ f"]]:
        """The features of each level, finest first."""
        kernel, bias = Point(3, self.width, name="wide")()
        found = []
        for level in range(self.levels):
            narrow, offset = Point(self.width, self.width // 4, name=f"level_{level}")()
            if level == 0:
                # Two linear maps in a row as one: the widest tensor of the network is never made.
                narrow, offset = kernel @ narrow, bias @ narrow + offset
            source = found[-1] if found else x
            h = source.astype(self.dtype) @ narrow.astype(self.dtype) + offset.astype(self.dtype)
            found.append(pixels.unshuffle(h, 2))
        return found


class NAFlow(nn.Module):
    """The flow; height and width must be multiples of `multiple`."""

    levels: int = 3
    """Squeezes, each of which halves the grid; nothing is split off."""
    transitions: int = 2
    """ActNorm and 1x1 convolution before the blocks of a level, so many times."""
    blocks: int = 2
    """Conditional blocks of a level."""
    width: int = 128
    """Channels of the clean image's features."""
    hidden: int = 64
    """Channels inside the couplings' networks."""
    scale_floor: float = 0.001
    """Least scale of a coupling: the way to the latent expands at most by its inverse."""
    dtype: Any = jnp.float32
    """Type inside the couplings' networks and the conditioning; all else is float32."""

    def setup(self):
        def transition():
            return chain.Chain([actnorm.ActNorm(), invertible_conv.InvertibleConv()])

        def block():
            fields = self.hidden, self.scale_floor, self.dtype
            return chain.Chain([
                actnorm.ActNorm(), invertible_conv.InvertibleConv(),
                coupling.Coupling(*fields), injector.Injector(*fields),
            ])

        def transitions():
            return [transition() for _ in range(self.transitions)]

        self.conditioning = Conditioning(self.width, self.levels, self.dtype)
        self.embedding = chain.Chain([invertible_conv.InvertibleConv(), *transitions()])
        self.flows = [
            chain.Chain([
                squeeze.Squeeze(), *transitions(), *[block() for _ in range(self.blocks)]
            ])
            for _ in range(self.levels)
        ]

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of: the side of a latent's cell, pixels."""
        return 2**self.levels

    @property
    def channels(self) -> int:
        """Channels of the latent."""
        return 3 * 4**self.levels

    @property
    def radius(self) -> int:
        """How far a decoded pixel looks, in pixels of the clean image and of the latent's grid.

        Each coupling looks a cell further than what it moves; the injectors read the features
        alone, which brings one cell of the coarsest grid, and the features read whole cells.
        """
        cells = [2 ** (level + 1) for level in range(self.levels)]
        return self.blocks * sum(cells) + self.multiple + self.multiple - 1

    def encode(
        self, y: Float[Array, "b h w 3"], x: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ c"], Float[Array, "b"]]:
        """The latent of noisy images given the clean ones, and log|det dz/dy| in nats.

        Raises:
            ValueError: height or width is no multiple of `multiple`.
        """
        blocks.require_sides("NAFlow", y, self.multiple)
        z, log_det = self.embedding.forward(y)
        for flow, features in zip(self.flows, self.conditioning(x), strict=True):
            z, more = flow.forward(z, features)
            log_det += more
        return z, log_det

    def decode(
        self, z: Float[Array, "b _ _ c"], x: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b h w 3"], Float[Array, "b"]]:
        """The noisy images of a latent given the clean ones, and log|det dy/dz| in nats.

        Raises:
            ValueError: the latent is not of the clean images' size.
        """
        cells = (x.shape[1] / self.multiple, x.shape[2] / self.multiple, self.channels)
        if z.shape[1:] != cells:
            raise ValueError(
                f"NAFlow: a latent of clean images of {x.shape[1]}x{x.shape[2]} pixels has the "
                f"shape {cells}, got {z.shape[1:]}"
            )
        log_det = jnp.zeros(z.shape[0])
        for flow, features in reversed(list(zip(self.flows, self.conditioning(x), strict=True))):
            z, more = flow.inverse(z, features)
            log_det += more
        y, more = self.embedding.inverse(z)
        return y, log_det + more

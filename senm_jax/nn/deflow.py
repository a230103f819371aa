"""DeFlow's network: an invertible map from images of either domain to latents, given h(x).

V. Wolf et al., "DeFlow: Learning Complex Image Degradations from Unpaired Data with Conditional
Flows", CVPR 2021, as its released code computes it. h(x) are features of the image made small,
which is alike for a clean and a degraded image (`nn.deflow_features`). The latents' densities are
in `nn.domain_shift`.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, deflow_features
from senm_jax.nn.bijectors import (
    actnorm, affine, chain, coupling, injector, invertible_conv, repeat, squeeze,
)

Image = Float[Array, "_ _ _ 3"]
Latents = list[Float[Array, "b _ _ _"]]


class Coefficients(nn.Module):
    """Shift and scale of an affine map, as `affine.Coefficients` but for the network.

    3x3 convolution, ActNorm, ReLU, 1x1 convolution, ActNorm, ReLU, and a 3x3 convolution that
    starts at zero under a learnt gain. Looks two pixels far.
    """

    hidden: int
    floor: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w i"], channels: int
    ) -> tuple[Float[Array, "b h w o"], Float[Array, "b h w o"]]:
        """Shift and scale of ``channels`` channels each, float32."""
        h = nn.relu(affine.normed_conv("first", x, self.hidden, 3, self.dtype))
        h = nn.relu(affine.normed_conv("second", h, self.hidden, 1, self.dtype))
        out = affine.zero_conv(self, h, 2 * channels, 3, self.dtype)
        return affine.shift_and_scale(out, self.floor)


class Split(nn.Module):
    """Half of the channels leave: ``eps = (moved - mean) / scale``, both from those that stay.

    ``scale = exp(.) + 1e-6``; log-det ``-sum(log scale)``. The release leaves the 1e-6 out of the
    log-determinant and of the way back.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def coefficients(
        self, kept: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w c"]]:
        """Mean and scale of the channels that leave."""
        out = affine.zero_conv(self, kept, 2 * kept.shape[-1], 3, self.dtype)
        return out[..., ::2], jnp.exp(out[..., 1::2]) + 1e-6

    def forward(
        self, u: Float[Array, "b h w c2"]
    ) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w c"], Float[Array, "b"]]:
        """The channels that stay, those that leave, and the log-determinant."""
        kept, moved = jnp.split(u, 2, -1)
        mean, scale = self.coefficients(kept)
        return kept, (moved - mean) / scale, -jnp.sum(jnp.log(scale), (1, 2, 3))

    def inverse(
        self, kept: Float[Array, "b h w c"], eps: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w c2"], Float[Array, "b"]]:
        """All channels, and the log-determinant."""
        mean, scale = self.coefficients(kept)
        log_det = jnp.sum(jnp.log(scale), (1, 2, 3))
        return jnp.concatenate([kept, mean + scale * eps], -1), log_det


class DeFlow(nn.Module):
    """The flow; height and width must be multiples of `multiple`."""

    levels: int = 3
    """Squeezes, each of which halves the grid. After all but the last two of them half of the
    channels leave, as released: the paper's figure has one split more."""
    transitions: int = 2
    """ActNorm and 1x1 convolution before the steps of a level, so many times."""
    steps: int = 16
    """Conditional steps of a level."""
    hidden: int = 128
    """Channels inside the couplings' networks."""
    scale: int = 8
    """How much smaller the image is made for h(x): 2**levels or half of it."""
    width: int = 64
    """Channels of h(x)'s trunk."""
    growth: int = 32
    blocks: int = 23
    """RRDBs of h(x)."""
    tapped: tuple[int, ...] = (1, 8, 15, 22)
    """Blocks, counted from 0, whose results are features too."""
    dtype: Any = jnp.float32
    """Type inside the couplings' networks and h(x); all else is float32."""

    def setup(self):
        def transition():
            return chain.Chain([actnorm.ActNorm(), invertible_conv.InvertibleConv()])

        def step():
            fields = {"hidden": self.hidden, "dtype": self.dtype, "kind": Coefficients}
            return chain.Chain([
                actnorm.ActNorm(), invertible_conv.InvertibleConv(),
                coupling.Coupling(**fields), injector.Injector(**fields),
            ])

        self.reduction = deflow_features.Reduction(self.scale)
        self.encoder = deflow_features.Encoder(
            self.width, self.growth, self.blocks, self.tapped, self.dtype)
        self.flows = [
            chain.Chain([
                squeeze.Squeeze(), *[transition() for _ in range(self.transitions)],
                repeat.Repeat(step(), self.steps),
            ])
            for _ in range(self.levels)
        ]
        self.splits = [Split(self.dtype) for _ in range(self.levels - 2)]

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of: the side of the coarsest cell, pixels."""
        return 2**self.levels

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each latent, finest first."""
        found, rest = [], 3
        for level in range(self.levels):
            rest *= 4
            if level < self.levels - 2:
                rest //= 2
                found.append(rest)
        return (*found, rest)

    @property
    def radius(self) -> int:
        """How far a translated pixel looks in the image and in the latents' grids.

        Back from a pixel: through decoding, whose couplings look two cells (its splits one, at what
        a coupling looks at anyway), to a cell of the coarsest grid; through encoding to the
        features of the finest level; and through h(x), whose filter begins one and a half cells
        beyond the small image's pixel. A change of latents that leaves their channels apart looks
        two of the coarsest cells less far.
        """
        cells = [2 ** (level + 1) for level in range(self.levels)]
        couplings = 2 * self.steps * sum(cells)
        decoding = couplings + self.multiple - 1
        enlarging = self.scale - 2  # a pixel of each grid finer than the small image's
        encoding = -(-(couplings + enlarging) // self.scale) * self.scale
        return decoding + encoding + (15 * self.blocks + 2) * self.scale + 3 * self.scale // 2

    def reduced(self, image: Image) -> Image:
        """The small image that h(x) is made of, before its noise; clipped to [0, 1].

        Raises:
            ValueError: height or width is no multiple of `multiple`.
        """
        blocks.require_sides("DeFlow", image, self.multiple)
        return jnp.clip(self.reduction(image), 0, 1)

    def encode(self, image: Image, small: Image) -> tuple[Latents, Float[Array, "b"]]:
        """The latents of images, finest first, and log|det dz/dx| in nats.

        ``small``: of the images, as `reduced` makes them, with noise.
        """
        return self._encode(image, self._features(small))

    def decode(self, latents: Latents, small: Image) -> tuple[Image, Float[Array, "b"]]:
        """The images of latents, and log|det dx/dz| in nats."""
        return self._decode(latents, self._features(small))

    def translate(
        self, image: Image, small: Image, change: Callable[[Latents], Latents]
    ) -> Image:
        """The images whose latents are the changed ones, h(x) staying what it is."""
        features = self._features(small)
        latents, _ = self._encode(image, features)
        return self._decode(change(latents), features)[0]

    def _features(self, small):
        finer = self.scale.bit_length() - 2
        return self.encoder(small, finer, self.levels - finer - 1)

    def _encode(self, image, features):
        latents, log_det, u = [], jnp.zeros(image.shape[0]), image
        for level, flow in enumerate(self.flows):
            u, more = flow.forward(u, features[level])
            log_det += more
            if level < len(self.splits):
                u, eps, more = self.splits[level].forward(u)
                latents.append(eps)
                log_det += more
        return [*latents, u], log_det

    def _decode(self, latents, features):
        *leaving, u = latents
        log_det = jnp.zeros(u.shape[0])
        for level in reversed(range(self.levels)):
            if level < len(self.splits):
                u, more = self.splits[level].inverse(u, leaving[level])
                log_det += more
            u, more = self.flows[level].inverse(u, features[level])
            log_det += more
        return u, log_det

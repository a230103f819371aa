"""The fully paired SeNM-VAE: the content comes from the clean image, the noise from the pair.

D. Zheng et al., "SeNM-VAE", CVPR 2024, the release's network for paired data alone: one latent a
level, no stochastic content, and the degradation level enters once, at the clean image's stem.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, initial, ladder
from senm_jax.ops import gaussian

Image = Float[Array, "_ _ _ 3"]
_tenth_of_default = initial.fan_in_uniform(0.1)


class Interpolate(nn.Module):
    """Bilinear interpolation by 1/2 (the 2x2 mean) or 2; a module of its own for its border."""

    factor: float | int
    border = "edge"
    """What lies beyond the image; tiling keeps to it (see `inference.borders`)."""

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        """``factor`` times the height and width."""
        b, h, w, c = x.shape
        size = (b, round(h * self.factor), round(w * self.factor), c)
        return jax.image.resize(x, size, "bilinear", antialias=False)


class Resize(nn.Module):
    """A 3x3 convolution, then bilinear interpolation by 1/2 (the 2x2 mean) or 2 (edges held)."""

    factor: float | int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        """``factor`` times the height and width, the same channels."""
        channels = x.shape[-1]
        x = blocks.conv(channels, channels, name="conv", dtype=self.dtype)(x)
        return Interpolate(self.factor)(x)


class Tower(nn.Module):
    """An encoder: every level's activations, finest first."""

    width: int
    growth: int
    levels: tuple[int, ...]
    dtype: Any

    @nn.compact
    def __call__(self, image: Float[Array, "b h w _"]) -> list[Float[Array, "b _ _ c"]]:
        """One array a level; a transition's own is already of the coarser grid.

        Raises:
            ValueError: height or width is no multiple of the coarsest grid's cell.
        """
        blocks.require_sides("fully paired SeNM-VAE", image, 2 ** (len(self.levels) - 1))
        h = blocks.conv(image.shape[-1], self.width, name="stem", dtype=self.dtype)(image)
        acts = []
        for i, kind in enumerate(ladder.layout(self.levels)):
            if kind == ladder.BLOCK:
                h = blocks.DenseBlock(self.growth, self.dtype, name=f"level_{i}")(h)
            else:
                h = Resize(0.5, self.dtype, name=f"level_{i}")(h)
            acts.append(h)
        return acts


class SeNMVAEPaired(nn.Module):
    """Fully paired SeNM-VAE; height and width must be multiples of `multiple`."""

    width: int = 64
    growth: int = 32
    levels: tuple[int, ...] = (4, 4)
    """Blocks of each stage, finest first; a transition halves the grid between two stages."""
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters, Gaussians and divergences are float32."""

    def setup(self):
        kinds = ladder.layout(self.levels)
        channels = self.width // 4

        def heads():
            return [
                blocks.GaussianHead(channels, self.growth, 3, _tenth_of_default, self.dtype)
                for _ in kinds
            ]

        def merges(inputs):
            return [
                blocks.conv(
                    inputs,
                    self.width,
                    size=1,
                    dtype=self.dtype,
                    kernel_init=blocks.he_tenth,
                    bias_init=blocks.zeros,
                )
                for _ in kinds
            ]

        def block():
            return blocks.DenseBlock(self.growth, self.dtype)

        def tower():
            return Tower(self.width, self.growth, self.levels, self.dtype)

        self.noisy_tower, self.clean_tower = tower(), tower()
        self.posterior, self.prior = heads(), heads()
        self.merge_content, self.merge_noise = merges(self.width), merges(channels)
        self.decoder_content = [block() for _ in kinds]
        self.decoder_noise = [
            block() if kind == ladder.BLOCK else Resize(2, self.dtype) for kind in kinds
        ]
        self.out_image = blocks.conv(self.width, 3, dtype=self.dtype)

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return 2 ** (len(self.levels) - 1)

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter to a generated one."""
        grid, reach = 1, 2  # stem and output convolution
        for kind in ladder.layout(self.levels):
            if kind == ladder.BLOCK:
                reach += (5 + 5 + 6 + 5) * grid
            else:  # the encoder's convolution; then, on the coarser grid, the decoder's
                reach += grid + 2 * (5 + 6 + 1 + 1) * grid
                grid *= 2
        return reach + grid - 1

    def reconstruct(
        self, x: Image, y: Image, s: Float[Array, "b"], normal: gaussian.Normal
    ) -> tuple[Image, Float[Array, "b"]]:
        """The noisy image rebuilt from the pair, and KL(q || p) summed over every latent."""
        noisy, kl = self.noisy_tower(y), []

        def latent(i, d):
            q, p = self.posterior[i](d + noisy[i]), self.prior[i](d)
            kl.append(jnp.sum(gaussian.kl(*q, *p), (1, 2, 3)))
            return gaussian.sample(*q, normal(f"zn {i}", q[0].shape))

        return self._top_down(x, s, latent), sum(kl)

    def translate(
        self,
        x: Image,
        s: Float[Array, "b"],
        temperature: Float[Array, "b"],
        normal: gaussian.Normal,
    ) -> Image:
        """A noisy image for each clean one: zn ~ temperature * p(zn|x, s)."""
        scale = temperature[:, None, None, None]

        def latent(i, d):
            p = self.prior[i](d)
            return scale * gaussian.sample(*p, normal(f"zn {i}", p[0].shape))

        return self._top_down(x, s, latent)

    def _top_down(self, x, s, latent):
        """The ladder down to an image; ``latent(i, d)`` gives level i's zn."""
        acts = self.clean_tower(ladder.with_level(x, s))
        d = jnp.zeros((*acts[-1].shape[:3], self.width), self.dtype)
        for i in reversed(range(len(acts))):
            d = self.decoder_content[i](d + self.merge_content[i](acts[i] + d))
            d = self.decoder_noise[i](d + self.merge_noise[i](latent(i, d)))
        return self.out_image(d).astype(jnp.float32)

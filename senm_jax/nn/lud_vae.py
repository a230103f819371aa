"""LUD-VAE: a deterministic content encoder and a ladder of degradation latents, all at full size.

D. Zheng et al., "Learn from Unpaired Data for Image Restoration: A Variational Bayes Approach",
TPAMI 2022, as its released code computes it. Symbols: x clean, y noisy, h(v) the image v with white
noise added, z content (without randomness here), zn degradation. The paper's level 1 is the first
that is drawn; here, as in the code, that is the last, level 1 being nearest to the image.
Where the paper makes q(zn|y) and p(zn) independent of z, the code's lower
levels see the state of the decoder, which holds z; so do these.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, initial
from senm_jax.ops import arrays, gaussian

Image = Float[Array, "_ _ _ 3"]
State = Float[Array, "b h w c"]
_CONVOLUTIONS = 4


class Reconstruction(NamedTuple):
    """What the pass of training gives."""

    x: Float[Array, "s h w 3"]
    """Clean images, [0, 1] and not clipped."""
    y: Float[Array, "t h w 3"]
    """Noisy images, likewise."""
    kl_zn: Float[Array, "t"]
    """KL( q(zn|y, z) || p(zn|z) ) of each noisy image, nats, summed over levels and elements."""


class Block(nn.Module):
    """Four 3x3 convolutions with ReLU between them; reaches 4 pixels."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, h: State) -> State:
        """The block's result, of the input's shape."""
        channels = h.shape[-1]
        for i in range(_CONVOLUTIONS):
            h = blocks.conv(channels, channels, name=f"conv{i}", dtype=self.dtype)(
                nn.relu(h) if i else h
            )
        return h


class Tower(nn.Module):
    """An encoder: a 1x1 stem and one block a level, each on the one before."""

    width: int
    layers: int
    dtype: Any

    @nn.compact
    def __call__(self, image: Image) -> list[State]:
        """Every level's activations, that nearest to the image first."""
        h = blocks.conv(3, self.width, size=1, name="stem", dtype=self.dtype)(image)
        acts = []
        for i in range(1, self.layers + 1):
            h = Block(self.dtype, name=f"block_{i}")(h)
            acts.append(h)
        return acts


class Join(nn.Module):
    """A 1x1 convolution of two arrays side by side, back to the channels of one."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, a: State, b: State | None = None) -> State:
        """The convolution of [a, b]; without ``b``, of [a, 0] at half the work."""
        channels = a.shape[-1]
        shape = (1, 1, 2 * channels, channels)
        kernel = self.param("kernel", blocks.uniform_fan_in, shape, jnp.float32)
        start = initial.uniform((2 * channels) ** -0.5)
        bias = self.param("bias", start, (channels,), jnp.float32)
        kernel = kernel[0, 0].astype(self.dtype)
        joined = a.astype(self.dtype) @ kernel[:channels] + bias.astype(self.dtype)
        return joined if b is None else joined + b.astype(self.dtype) @ kernel[channels:]


class Head(nn.Module):
    """Mean and log standard deviation of a latent, each a 1x1 convolution."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, h: State) -> tuple[State, State]:
        """Mean and log standard deviation, float32, of the input's shape."""
        channels = h.shape[-1]
        both = blocks.conv(channels, 2 * channels, size=1, name="conv", dtype=self.dtype)(h)
        return tuple(jnp.split(both.astype(jnp.float32), 2, -1))


class LUDVAE(nn.Module):
    """LUD-VAE for images of any size; without skip connection from the image."""

    width: int = 128
    layers: int = 3
    """Stochastic layers, that is levels, each with ``width`` channels at full size; the paper
    compares 1 to 5."""
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters, Gaussians and divergences are float32."""

    multiple = 1
    """What height and width must be multiples of."""

    def setup(self):
        inner = range(self.layers - 1)
        self.content_tower = Tower(self.width, self.layers, self.dtype)
        self.noise_tower = Tower(self.width, self.layers, self.dtype)
        self.posterior = [Head(self.dtype) for _ in range(self.layers)]
        self.prior = [Head(self.dtype) for _ in inner]
        self.decoder = [Block(self.dtype) for _ in range(self.layers)]
        self.join_content = [Join(self.dtype) for _ in inner]
        self.join_posterior = [Join(self.dtype) for _ in inner]
        self.join_degradation = [Join(self.dtype) for _ in range(self.layers)]
        self.out_image = blocks.conv(self.width, 3, size=1, dtype=self.dtype)

    @property
    def radius(self) -> int:
        """How far an output pixel looks: up the content encoder and down the decoder."""
        return 2 * _CONVOLUTIONS * self.layers

    def reconstruct(
        self,
        noised: tuple[Image, Image],
        y: Image,
        normal: gaussian.Normal,
        shares: int = 1,
    ) -> Reconstruction:
        """The pass of training. Clean rows have no zn, so nothing of it is computed for them.

        Args:
            noised: h(x) of the source rows and h(y) of the target rows, about [0, 1].
            y: noisy images of the target rows, [0, 1].
            normal: standard normal draws.
            shares: in how many blocks rows are joined (see `arrays.join`).
        """
        join = functools.partial(arrays.join, blocks=shares)
        part = functools.partial(arrays.part, blocks=shares)
        source, rows = noised[0].shape[0], noised[0].shape[0] + y.shape[0]
        acts_n = self.noise_tower(y)
        kls = []

        def degrade(i, d):
            clean, noisy = part(d, 0, source), part(d, source, rows)
            p = self._prior(i, noisy)
            seen = acts_n[i] if i == self.layers - 1 else self.join_posterior[i](noisy, acts_n[i])
            q = self.posterior[i](seen)
            kls.append(jnp.sum(gaussian.kl(*q, *p), (1, 2, 3)))
            zn = gaussian.sample(*q, normal(f"zn {i}", q[0].shape))
            merge = self.join_degradation[i]
            return join([merge(clean), merge(noisy, zn)])

        out = self._top_down(self.content_tower(join(noised)), degrade)
        return Reconstruction(part(out, 0, source), part(out, source, rows), sum(kls))

    def translate(
        self, noised: Image, temperature: Float[Array, "b"], normal: gaussian.Normal
    ) -> Image:
        """A noisy image for each clean one from h(x): zn ~ temperature * p(zn|z), mean and all."""
        scale = temperature[:, None, None, None]

        def degrade(i, d):
            mean, log_std = self._prior(i, d)
            zn = scale * gaussian.sample(mean, log_std, normal(f"zn {i}", mean.shape))
            return self.join_degradation[i](d, zn)

        return self._top_down(self.content_tower(noised), degrade)

    def denoise(self, noised: Image) -> Image:
        """A clean image for each noisy one from h(y): zn is 0, and nothing is drawn."""
        return self._top_down(
            self.content_tower(noised), lambda i, d: self.join_degradation[i](d)
        )

    def content(self, noised: Image) -> list[State]:
        """z of h(v) at every level, that nearest to the image first."""
        return self.content_tower(noised)

    def _prior(self, i: int, d: State) -> tuple[State, State]:
        if i == self.layers - 1:
            zeros = jnp.zeros(d.shape, jnp.float32)
            return zeros, zeros
        return self.prior[i](d)

    def _top_down(self, z: list[State], degrade: Callable[[int, State], State]) -> Image:
        """The decoder from the last level down to an image, [0, 1] and not clipped.

        ``degrade(i, d)`` gives the state with zn of the level at index i joined in.
        """
        last = self.layers - 1
        d = self.decoder[last](degrade(last, z[last]))
        for i in reversed(range(last)):
            d = self.decoder[i](degrade(i, self.join_content[i](d, z[i])))
        return self.out_image(d).astype(jnp.float32)

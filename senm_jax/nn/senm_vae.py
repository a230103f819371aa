"""The semi-supervised SeNM-VAE: a ladder with a content and a degradation latent at each level.

D. Zheng et al., "SeNM-VAE: Semi-Supervised Noise Modeling with Hierarchical Variational
Autoencoder", CVPR 2024, as its released code computes it. Symbols: x clean, y noisy, z content,
zn degradation, s degradation level (a standard deviation on the [0, 1] scale).
"""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from senm_jax.nn import blocks, ladder
from senm_jax.ops import arrays, gaussian

Image = Float[Array, "_ _ _ 3"]
WIDEST_LOG_STD = 1.6  # of generation with a unit; what brightness asks for stays within it


class Reconstruction(NamedTuple):
    """What the decoding passes of training give; rows are joined as `arrays.join` does."""

    x: Float[Array, "sp h w 3"]
    """Clean images of the source and the paired rows."""
    y: Float[Array, "pt h w 3"]
    """Noisy images of the paired and the target rows."""
    kl_z: Float[Array, "2 p"]
    """KL( q(z|y) || q(z|x) ) in the content and in the noisy pass: in each level the mean over
    its elements, summed over levels."""
    kl_zn: Float[Array, "pt"]
    """KL( q(zn|y, ...) || p(zn|...) ), likewise."""


class SeNMVAE(nn.Module):
    """Semi-supervised SeNM-VAE; height and width must be multiples of `multiple`."""

    width: int = 64
    growth: int = 32
    levels: tuple[int, ...] = (2, 4)
    """Blocks of each stage, finest first; a transition halves the grid between two stages."""
    degradation_channels: int = 16
    downs: int = 0
    """How often the stems halve the grid before the first level."""
    level_unit: float = 0.0
    """The posterior sees log(s / level_unit). The prior does not see s, but is s / level_unit times
    as wide and as far from 0: what strength and picture happen to have in common in a few pairs
    is then not learnt. Published, 0: both see s, which at some hundredths hardly moves them."""
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters, Gaussians and divergences are float32."""

    def setup(self):
        kinds = ladder.layout(self.levels)

        def towers():
            return ladder.Tower(self.width, self.growth, self.levels, self.downs, self.dtype)

        def heads(features):
            return [blocks.GaussianHead(features, self.growth, dtype=self.dtype) for _ in kinds]

        def merges(inputs):
            return [
                blocks.conv(inputs, self.width, size=1, dtype=self.dtype, kernel_init=blocks.zeros)
                for _ in kinds
            ]

        self.clean_tower, self.noisy_tower, self.noise_tower = towers(), towers(), towers()
        self.content_clean = heads(self.width)
        self.content_noisy = heads(self.width)
        self.degradation_posterior = heads(self.degradation_channels)
        self.degradation_prior = heads(self.degradation_channels)
        self.merge_content = merges(self.width)
        self.merge_degradation = merges(self.degradation_channels)
        self.decoder = [
            blocks.DenseBlock(self.growth, self.dtype)
            if kind == ladder.BLOCK
            else blocks.Up(self.dtype)
            for kind in kinds
        ]
        self.out_ups = [blocks.Up(self.dtype) for _ in range(self.downs)]
        self.out_hidden = blocks.conv(self.width, self.width, dtype=self.dtype)
        self.out_image = blocks.conv(self.width, 3, dtype=self.dtype)

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return 2 ** (len(self.levels) - 1 + self.downs)

    def radius(self, heads: int) -> int:
        """How far an output pixel looks when each level runs ``heads`` heads one after another."""
        grid, reach = 1, 2  # the two output convolutions
        for _ in range(self.downs):
            reach += grid + 2 * grid
            grid *= 2
        for kind in ladder.layout(self.levels):
            if kind == ladder.BLOCK:
                reach += 5 * grid + (5 + 5 * heads) * grid
            else:
                reach += grid + (2 + 5 * heads) * grid
                reach += 5 * heads * grid
                grid *= 2
        return reach + grid - 1

    def reconstruct(
        self,
        x: tuple[Image, Image],
        y: tuple[Image, Image],
        s: Float[Array, "pt"],
        from_clean: Bool[Array, "two_p"],
        normal: gaussian.Normal,
        shares: int = 1,
    ) -> Reconstruction:
        """Both decoding passes of training, as one.

        Rows stand in the order source | paired, content pass | paired, noisy pass | target, so
        that every head runs on a contiguous range of them, and only where its result is used.

        Args:
            x: clean images of the source and of the paired rows, [0, 1].
            y: noisy images of the paired and of the target rows, [0, 1].
            s: degradation level of the paired and target rows, joined.
            from_clean: of each paired row in each pass, joined, whether z is drawn from q(z|x)
                (or from q(z|y)), at all levels alike.
            normal: standard normal draws.
            shares: in how many blocks rows are joined (see `arrays.join`).
        """
        source, paired, target = x[0].shape[0], x[1].shape[0], y[1].shape[0]
        rows = source + 2 * paired + target
        join = functools.partial(arrays.join, blocks=shares)
        part = functools.partial(arrays.part, blocks=shares)
        acts_x, noisy = self.clean_tower(join(x)), join(y)
        acts_y, acts_n = self.noisy_tower(noisy), self.noise_tower(noisy)
        kl_z, kl_zn = [], []

        def content(i, d):
            act_x = join([acts_x[i], part(acts_x[i], source, source + paired)])
            act_y = join([part(acts_y[i], 0, paired), acts_y[i]])
            q_x = self.content_clean[i](part(d, 0, rows - target) + act_x)
            q_y = self.content_noisy[i](part(d, source, rows) + act_y)
            (mean, log_std), kl = _mixture(q_x, q_y, from_clean, source, target, shares)
            kl_z.append(kl)
            return gaussian.sample(mean, log_std, normal(f"z {i}", mean.shape))

        def degrade(i, d):
            clean, d = part(d, 0, source + paired), part(d, source + paired, rows)
            q, p = self._posterior(i, d + acts_n[i], s), self._prior(i, d, s)
            kl_zn.append(_mean(gaussian.kl(*q, *p)))
            zn = gaussian.sample(*q, normal(f"zn {i}", q[0].shape))
            return join([clean, d + self.merge_degradation[i](zn)])

        out = self._top_down((rows, *acts_x[-1].shape[1:3]), content, degrade)
        per_pass = sum(kl_z)
        return Reconstruction(
            x=part(out, 0, source + paired),
            y=part(out, source + paired, rows),
            kl_z=jnp.stack([part(per_pass, 0, paired), part(per_pass, paired, 2 * paired)]),
            kl_zn=sum(kl_zn),
        )

    def translate(
        self,
        x: Image,
        s: Float[Array, "b"],
        temperature: Float[Array, "b"],
        normal: gaussian.Normal,
    ) -> Image:
        """A noisy image for each clean one: z ~ q(z|x), zn ~ temperature * p(zn|..., s).

        With ``level_unit`` p is at most e^`WIDEST_LOG_STD` times as wide as s / level_unit: for a
        picture unlike all that was learnt from it can come out thousands of times as wide.
        """
        acts = self.clean_tower(x)
        scale = temperature[:, None, None, None]

        def content(i, d):
            mean, log_std = self.content_clean[i](d + acts[i])
            return gaussian.sample(mean, log_std, normal(f"z {i}", mean.shape))

        def degrade(i, d):
            mean, log_std = self._prior(i, d, s)
            if self.level_unit:
                widest = self._log_level(s) + WIDEST_LOG_STD
                log_std = jnp.minimum(log_std, widest[:, None, None, None])
            zn = scale * gaussian.sample(mean, log_std, normal(f"zn {i}", mean.shape))
            return d + self.merge_degradation[i](zn)

        return self._top_down(acts[-1].shape[:3], content, degrade)

    def denoise(self, y: Image, normal: gaussian.Normal) -> Image:
        """A clean image for each noisy one: z ~ q(z|y), and no degradation latent."""
        acts = self.noisy_tower(y)

        def content(i, d):
            mean, log_std = self.content_noisy[i](d + acts[i])
            return gaussian.sample(mean, log_std, normal(f"z {i}", mean.shape))

        return self._top_down(acts[-1].shape[:3], content, lambda i, d: d)

    def _posterior(self, i, h, s):
        """q(zn|y, ...) of level i."""
        return self.degradation_posterior[i](
            ladder.with_level(h, self._log_level(s) if self.level_unit else s)
        )

    def _prior(self, i, d, s):
        """p(zn|d, s) of level i."""
        head = self.degradation_prior[i]
        if not self.level_unit:
            return head(ladder.with_level(d, s))
        mean, log_std = head(d)
        log_s = self._log_level(s)[:, None, None, None]
        return mean * jnp.exp(log_s), log_std + log_s

    def _log_level(self, s):
        return jnp.log(ladder.at_least(s) / self.level_unit)

    def _top_down(self, shape, content, degrade):
        """The ladder from the coarsest level down to an image, [0, 1] and not clipped.

        ``content(i, d)`` gives level i's z; ``degrade(i, d)`` gives the state with zn merged in.
        """
        d = jnp.zeros((*shape, self.width), self.dtype)
        for i in reversed(range(len(self.decoder))):
            d = d + self.merge_content[i](content(i, d))
            d = self.decoder[i](degrade(i, d))
        for up in self.out_ups:
            d = up(d)
        return self.out_image(nn.relu(self.out_hidden(d))).astype(jnp.float32)


def _mixture(q_x, q_y, from_clean, source, target, shares):
    """q(z|x) for source rows, q(z|y) for target rows, one of them for each paired row and pass;
    and KL( q(z|y) || q(z|x) ) of the latter, averaged over each row's elements."""
    part = functools.partial(arrays.part, blocks=shares)
    both = from_clean.shape[0]
    paired_x = [part(a, source, source + both) for a in q_x]
    paired_y = [part(a, 0, both) for a in q_y]
    mode = from_clean[:, None, None, None]
    mixed = [
        arrays.join(
            [part(a, 0, source), jnp.where(mode, b, c), part(d, both, both + target)], shares
        )
        for a, b, c, d in zip(q_x, paired_x, paired_y, q_y, strict=True)
    ]
    return mixed, _mean(gaussian.kl(*paired_y, *paired_x))


def _mean(divergence):
    return jnp.mean(divergence, (1, 2, 3))

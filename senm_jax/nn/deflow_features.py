"""h(x), what DeFlow's levels are given: features of the image made small.

V. Wolf et al., "DeFlow: Learning Complex Image Degradations from Unpaired Data with Conditional
Flows", CVPR 2021, as its released code computes it. The small image is alike for a clean and a
degraded image.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from senm_jax.nn import blocks, dense, rrdb
from senm_jax.ops import resize

Image = Float[Array, "_ _ _ 3"]


class Reduction(nn.Module):
    """The image made small by a bicubic filter whose borders are mirrored."""

    scale: int
    border = "mask"
    """See `inference.borders`."""

    def __call__(
        self, image: Float[Array, "b h w c"], inside: Bool[Array, "b h w 1"] | None = None
    ) -> Float[Array, "b _ _ c"]:
        """Height and width over ``scale``; where ``inside`` ends, the image is mirrored."""
        if inside is not None:
            image = _mirrored(image, inside)
        return jax.vmap(functools.partial(resize.bicubic, scale=1 / self.scale))(image)


class Encoder(nn.Module):
    """h(x): what every level is given, of ``width * (1 + len(tapped))`` channels.

    A trunk of RRDBs on the small image, enlarged step by step for the finer levels, with the
    results of the blocks ``tapped`` beside it. As released, the trunk's last convolution is added
    to its own input, and enlarged features are those behind the leaky ReLU, which works in place.
    """

    width: int
    growth: int
    blocks: int
    tapped: tuple[int, ...]
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, small: Image, finer: int, coarser: int) -> list[Float[Array, "b _ _ f"]]:
        """Features on each grid, finest first: so many finer than the small image's and coarser,
        each twice the next."""

        def conv(name, x):
            return blocks.conv(x.shape[-1], self.width, name=name, dtype=self.dtype)(x)

        def block(module, x, _):
            x = module(x)
            return x, x

        trunk = nn.scan(
            block, variable_axes={"params": 0}, split_rngs={"params": True}, length=self.blocks
        )
        rrdb_ = rrdb.RRDB(self.width, self.growth, self.dtype, name="blocks")
        h, results = trunk(rrdb_, conv("first", small), None)
        h = h + conv("trunk", h)
        taps = jnp.concatenate([results[i] for i in self.tapped], -1)
        found, enlarged = [jnp.concatenate([h, taps], -1)], h
        for i in range(1, finer + 1):
            enlarged = dense.leaky(conv(f"up_{i}", _enlarged(enlarged, 2)))
            found.insert(0, jnp.concatenate([enlarged, _enlarged(taps, 2**i)], -1))
        for _ in range(coarser):
            h, taps = nn.avg_pool(h, (2, 2), (2, 2)), taps[:, ::2, ::2]
            found.append(jnp.concatenate([h, taps], -1))
        return found


def _enlarged(x: Float[Array, "b h w c"], factor: int) -> Float[Array, "b _ _ c"]:
    """The nearest neighbour's value on a finer grid."""
    return jnp.repeat(jnp.repeat(x, factor, 1), factor, 2)


def _mirrored(
    image: Float[Array, "b h w c"], inside: Bool[Array, "b h w 1"]
) -> Float[Array, "b h w c"]:
    """The image continued beyond its end by its mirror image, the edge repeated."""
    for axis in (1, 2):
        end = jnp.sum(jnp.any(inside, (3 - axis, 3)), 1)[:, None]
        place = jnp.arange(image.shape[axis]) % (2 * end)
        place = jnp.where(place < end, place, 2 * end - 1 - place)
        shape = (-1, image.shape[1], 1, 1) if axis == 1 else (-1, 1, image.shape[2], 1)
        image = jnp.take_along_axis(image, place.reshape(shape), axis)
    return image

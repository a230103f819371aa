"""The ladder that SeNM-VAE's networks climb: its levels, an encoder, and the noise's level.

D. Zheng et al., "SeNM-VAE: Semi-Supervised Noise Modeling with Hierarchical Variational
Autoencoder", CVPR 2024, as its released code computes it.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks

Image = Float[Array, "_ _ _ 3"]
LEAST_LEVEL = 1e-3
"""Of levels that are seen as logarithms; a quarter of an 8-bit step."""
BLOCK, TRANSITION = "block", "transition"


def layout(levels: tuple[int, ...]) -> list[str]:
    """What stands at each level, finest first: blocks, with a transition between two stages."""
    stages = [[BLOCK] * count for count in levels]
    return [
        kind
        for i, stage in enumerate(stages)
        for kind in stage + ([TRANSITION] if i + 1 < len(stages) else [])
    ]


class Tower(nn.Module):
    """An encoder of the semi-supervised network: every level's activations, finest first."""

    width: int
    growth: int
    levels: tuple[int, ...]
    downs: int
    dtype: Any

    @nn.compact
    def __call__(self, image: Image) -> list[Float[Array, "b _ _ c"]]:
        """One array a level; a transition's own is already of the coarser grid.

        Raises:
            ValueError: height or width is no multiple of the coarsest grid's cell.
        """
        blocks.require_sides("SeNM-VAE", image, 2 ** (len(self.levels) - 1 + self.downs))
        h = blocks.conv(3, self.width, size=1, name="stem", dtype=self.dtype)(image)
        for i in range(self.downs):
            h = blocks.Down(self.dtype, name=f"stem_down_{i}")(h)
        acts = []
        for i, kind in enumerate(layout(self.levels)):
            if kind == BLOCK:
                h = blocks.DenseBlock(self.growth, self.dtype, name=f"level_{i}")(h)
            else:
                h = blocks.Down(self.dtype, name=f"level_{i}")(h)
            acts.append(h)
        return acts


def with_level(
    h: Float[Array, "b h w c"], s: Float[Array, "b"]
) -> Float[Array, "b h w c1"]:
    """The degradation level as one more, last channel."""
    level = jnp.broadcast_to(s[:, None, None, None].astype(h.dtype), (*h.shape[:3], 1))
    return jnp.concatenate([h, level], -1)


def at_least(s: Float[Array, "b"]) -> Float[Array, "b"]:
    """The levels, those under `LEAST_LEVEL` raised to it."""
    return jnp.maximum(s, LEAST_LEVEL)

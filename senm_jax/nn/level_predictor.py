"""SeNM-VAE's estimate of an image's degradation level from the image alone."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks


class LevelPredictor(nn.Module):
    """Four 4x4 convolutions of stride 2, the mean over positions, three dense layers."""

    least = 16
    """Height and width that an image has at least: four halvings."""

    width: int = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"]) -> Float[Array, "b"]:
        """The level, a standard deviation on the [0, 1] scale; it can come out negative.

        Raises:
            ValueError: the images are smaller than `least`.
        """
        if min(image.shape[1:3]) < self.least:
            raise ValueError(
                f"the level predictor needs images of at least {self.least}x{self.least} pixels, "
                f"got {image.shape[1]}x{image.shape[2]}; take larger crops (config.data.crop)"
            )
        h = image
        for i in range(4):
            h = blocks.conv(
                h.shape[-1],
                self.width * 2**i,
                size=4,
                stride=2,
                padding=1,
                name=f"conv{i}",
                dtype=self.dtype,
            )(h)
            h = nn.relu(h) if i < 3 else h
        h = jnp.mean(h.astype(jnp.float32), (1, 2))
        h = nn.relu(self._dense(4 * self.width, h, 0))
        h = nn.relu(self._dense(2 * self.width, h, 1))
        return self._dense(1, h, 2)[:, 0]

    def _dense(self, features, h, index):
        # A 1x1 convolution's initialisation is a dense layer's; images are 1x1 here.
        layer = blocks.conv(
            h.shape[-1], features, size=1, name=f"dense{index}", dtype=jnp.float32
        )
        return layer(h[:, None, None, :])[:, 0, 0]

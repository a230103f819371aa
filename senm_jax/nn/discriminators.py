"""Discriminators."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, dense, norm


class PatchDiscriminator(nn.Module):
    """PatchGAN: a grid of logits, each judging a patch of the image.

    P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
    2017: 4x4 convolutions, ``layers`` of them of stride 2, then two of stride 1; batch
    normalisation after all but the first and the last. A 64x64 image gives 6x6 logits.
    """

    width: int = 64
    layers: int = 3
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, image: Float[Array, "b h w 3"], *, train: bool
    ) -> Float[Array, "b h2 w2 1"]:
        """Logits, float32; ``train`` normalises by the batch's own statistics.

        Raises:
            ValueError: the image is too small to leave a single logit.
        """
        least = 3 * 2**self.layers
        if min(image.shape[1:3]) < least:
            raise ValueError(
                f"the discriminator needs crops of at least {least}x{least} pixels, got "
                f"{image.shape[1]}x{image.shape[2]}: use larger crops or gan_weight 0"
            )
        h = dense.leaky(self._conv(3, self.width, 0, stride=2)(image))
        for i in range(1, self.layers + 1):
            features = self.width * min(2**i, 8)
            stride = 2 if i < self.layers else 1
            h = self._conv(h.shape[-1], features, i, stride=stride, bias=False)(h)
            h = norm.BatchNorm(dtype=self.dtype, name=f"norm{i}")(h, train=train)
            h = dense.leaky(h)
        logits = self._conv(h.shape[-1], 1, self.layers + 1)(h)
        return logits.astype(jnp.float32)

    def _conv(self, inputs, features, index, *, stride=1, bias=True):
        return blocks.conv(
            inputs,
            features,
            size=4,
            stride=stride,
            padding=1,
            bias=bias,
            name=f"conv{index}",
            dtype=self.dtype,
        )

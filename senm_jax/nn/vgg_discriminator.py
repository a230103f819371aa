"""The discriminator of ESRGAN, in the manner of VGG: one logit for a whole image.

X. Wang et al., "ESRGAN", ECCVW 2018, after C. Ledig et al., "Photo-Realistic Single Image
Super-Resolution Using a Generative Adversarial Network", CVPR 2017.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import blocks, dense, norm

STAGES = 5
"""Each ends in a convolution that halves the grid."""


class VGGDiscriminator(nn.Module):
    """Five pairs of convolutions, 3x3 and then 4x4 of stride 2, and two linear layers.

    Batch normalisation after all convolutions but the first. Publications have images of 128x128.
    """

    width: int = 64
    """Channels of the first stage; they double up to eight times as many."""
    hidden: int = 100
    """Values between the linear layers."""
    kair: bool = False
    """KAIR's form: a bias in every convolution, no activation after the first, and epsilon 1e-4 and
    momentum 0.9 in the normalisations, not 1e-5 and 0.1."""
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters, statistics and the logits are float32."""

    @nn.compact
    def __call__(self, image: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b 1"]:
        """Logits, float32; ``train`` normalises by the batch's own statistics.

        Raises:
            ValueError: the image's sides are no multiples of 32.
        """
        cell = 2**STAGES
        if image.shape[1] % cell or image.shape[2] % cell:
            raise ValueError(
                f"the discriminator needs sides that are multiples of {cell}, got "
                f"{image.shape[1]}x{image.shape[2]}: choose such a crop"
            )
        h, (epsilon, momentum) = image, (1e-4, 0.9) if self.kair else (1e-5, 0.1)
        for i in range(STAGES):
            features = self.width * min(2**i, 8)
            for j, size in enumerate((3, 4)):
                first = i == j == 0
                h = blocks.conv(
                    h.shape[-1], features, size=size, stride=j + 1, padding=1,
                    bias=first or self.kair, dtype=self.dtype, name=f"conv{i}_{j}",
                )(h)
                if not first:
                    h = norm.BatchNorm(
                        epsilon, momentum, self.dtype, name=f"norm{i}_{j}"
                    )(h, train=train)
                h = h if first and self.kair else dense.leaky(h)
        h = h.reshape(h.shape[0], -1)
        h = dense.leaky(self._linear(self.hidden, h.shape[-1], "linear1")(h))
        return self._linear(1, self.hidden, "linear2")(h).astype(jnp.float32)

    def _linear(self, features: int, inputs: int, name: str) -> nn.Dense:
        return nn.Dense(
            features, dtype=self.dtype, kernel_init=blocks.uniform_fan_in,
            bias_init=blocks.bias_within(inputs), name=name,
        )

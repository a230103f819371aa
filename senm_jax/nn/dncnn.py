"""DnCNN: a residual stack of 3x3 convolutions that subtracts the noise it finds.

K. Zhang et al., "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising",
IEEE TIP 2017. Published variants, as fields of `DnCNN` (the defaults are the first row):

======  =====  =========  =======  ========  ============
used by depth  body_bias  epsilon  momentum  initialiser
======  =====  =========  =======  ========  ============
KAIR    17     True       1e-4     0.9       orthogonal
NeCA    20     True       1e-4     0.9       normal
C2N     20     False      1e-5     0.1       he
======  =====  =========  =======  ========  ============
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.nn import norm

INITIALISERS = ("orthogonal", "normal", "he")


class DnCNN(nn.Module):
    """``noisy - network(noisy)``: conv, ReLU; depth - 2 times conv, batch norm, ReLU; conv."""

    depth: int = 17
    """Number of convolutions."""
    width: int = 64
    body_bias: bool = True
    """Whether the convolutions before a batch normalisation have a bias of their own."""
    epsilon: float = 1e-4
    momentum: float = 0.9
    """Batch normalisation's, in the sense of `norm.BatchNorm`."""
    initialiser: str = "orthogonal"
    channels: int = 3
    dtype: Any = jnp.float32
    """Type of the convolutions; parameters, statistics and the result are float32."""

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        return 1

    @property
    def radius(self) -> int:
        """How far away an input pixel can matter: one pixel a convolution."""
        return self.depth

    @property
    def scale(self) -> int:
        """Output size over input size."""
        return 1

    def _conv(self, features: int, name: str, bias: bool = True) -> nn.Conv:
        return nn.Conv(
            features, (3, 3), padding=1, use_bias=bias, dtype=self.dtype, name=name,
            kernel_init=_kernel(self.initialiser, self.width),
        )

    @nn.compact
    def __call__(
        self, noisy: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b h w c"]:
        """The clean estimate, float32; ``train`` normalises by the batch's own statistics.

        Raises:
            ValueError: fewer than 2 convolutions, or an unknown initialiser.
        """
        if self.depth < 2:
            raise ValueError(f"depth: a DnCNN has at least 2 convolutions, got {self.depth}")
        if self.initialiser not in INITIALISERS:
            raise ValueError(
                f"initialiser: expected one of {INITIALISERS}, got {self.initialiser!r}"
            )
        h = nn.relu(self._conv(self.width, "first")(noisy))
        for i in range(self.depth - 2):
            h = self._conv(self.width, f"body_{i}", self.body_bias)(h)
            h = norm.BatchNorm(
                self.epsilon, self.momentum, self.dtype, _scale(self.initialiser, self.width),
                _variance(self.initialiser), name=f"norm_{i}",
            )(h, train=train)
            h = nn.relu(h)
        noise = self._conv(self.channels, "last")(h)
        return noisy.astype(jnp.float32) - noise.astype(jnp.float32)


def _he_std(width: int) -> float:
    return math.sqrt(2 / (9 * width))


def _kernel(name: str, width: int) -> norm.Initializer:
    """Initialiser of convolution kernels; biases start at 0 in every variant."""
    if name == "orthogonal":
        return nn.initializers.orthogonal(0.2)
    return nn.initializers.normal(0.02 if name == "normal" else _he_std(width))


def _scale(name: str, width: int) -> norm.Initializer:
    """Initialiser of batch normalisation's scale."""

    def init(key, shape, dtype):
        if name == "orthogonal":
            return jax.random.uniform(key, shape, dtype, 0.1, 1.0)
        if name == "normal":
            return 1 + 0.02 * jax.random.normal(key, shape, dtype)
        drawn = _he_std(width) * jax.random.normal(key, shape, dtype)
        return jnp.where(drawn < 0, -1, 1) * jnp.maximum(jnp.abs(drawn), 0.025)

    return init


def _variance(name: str) -> norm.Initializer:
    return nn.initializers.constant(0.01 if name == "he" else 1.0)

"""Batch normalisation with the conventions of PyTorch, which published checkpoints assume."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Initializer = Callable[..., jax.Array]


class BatchNorm(nn.Module):
    """Normalises each channel over all other axes, then scales and shifts it.

    ``(x - mean) / sqrt(variance + epsilon) * scale + bias``. In training, mean and *biased*
    variance are the batch's, and the collection ``statistics``, where it is mutable, becomes
    ``(1 - momentum) * old + momentum * batch`` with the *unbiased* batch variance; otherwise the
    stored ones are used. Flax's own module counts momentum the other way round and stores the
    biased variance. Statistics are computed and kept in float32 whatever the compute type, and
    over the global batch when that is sharded.
    """

    epsilon: float = 1e-5
    momentum: float = 0.1
    """The weight of the new batch, PyTorch's sense."""
    dtype: Any = jnp.float32
    scale_init: Initializer = nn.initializers.ones
    variance_init: Initializer = nn.initializers.ones

    @nn.compact
    def __call__(self, x: Float[Array, "*rows c"], *, train: bool) -> Float[Array, "*rows c"]:
        """The normalised array, in ``dtype``; ``train`` takes the batch's own statistics.

        Raises:
            ValueError: training on a single value per channel, whose variance is undefined.
        """
        channels = x.shape[-1:]
        scale = self.param("scale", self.scale_init, channels, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, channels, jnp.float32)
        stored_mean = self.variable("statistics", "mean", jnp.zeros, channels, jnp.float32)
        stored_variance = self.variable(
            "statistics", "variance", lambda: self.variance_init(None, channels, jnp.float32)
        )
        x = x.astype(jnp.float32)
        if train:
            mean, variance = _moments(x)
            if self.is_mutable_collection("statistics") and not self.is_initializing():
                count = x.size // x.shape[-1]
                unbiased = variance * (count / (count - 1))
                stored_mean.value += self.momentum * (mean - stored_mean.value)
                stored_variance.value += self.momentum * (unbiased - stored_variance.value)
        else:
            mean, variance = stored_mean.value, stored_variance.value
        factor = scale * jax.lax.rsqrt(variance + self.epsilon)
        return ((x - mean) * factor + bias).astype(self.dtype)


def _moments(x: Float[Array, "*rows c"]) -> tuple[Float[Array, "c"], Float[Array, "c"]]:
    """Mean and biased variance of each channel; two passes, so that no difference of squares."""
    count = x.size // x.shape[-1]
    if count < 2:
        raise ValueError(
            f"batch normalisation in training needs at least 2 values per channel, got an array "
            f"of shape {x.shape}: use a larger batch or crop"
        )
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    return mean, jnp.mean(jnp.square(x - mean), axes)

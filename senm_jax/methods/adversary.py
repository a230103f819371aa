"""The relativistic average discriminator that both SeNM-VAE variants train against."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from senm_jax.methods import base
from senm_jax.nn import discriminators, initial

Logits = Float[Array, "b h w 1"]


class Adversary(NamedTuple):
    """``init(key)``; ``generator_loss(variables, real, fake)``;
    ``discriminator_loss(params, context)``, on the images that the generator handed on."""

    init: Callable
    generator_loss: Callable
    discriminator_loss: Callable


def make(width: int, dtype: Any) -> Adversary:
    """A patch discriminator of this width and its two losses."""
    network = discriminators.PatchDiscriminator(width, dtype=dtype)

    def judge(variables, image):
        return network.apply(variables, image, train=True, mutable=["statistics"])

    def init(key):
        image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
        return initial.variables(network, key, image, train=False)

    def generator_loss(variables, real, fake):
        real_logits, _ = judge(variables, real)
        fake_logits, _ = judge(variables, fake)
        return relativistic(fake_logits, real_logits)

    def discriminator_loss(params, context):
        real, fake = context.handed["real"], context.handed["fake"]
        statistics = context.variables["discriminator"]["statistics"]
        # Real and fake apart: batch normalisation sees one kind at a time, and both in turn.
        real_logits, updated = judge({"params": params, "statistics": statistics}, real)
        fake_logits, updated = judge({"params": params, **updated}, fake)
        value = relativistic(real_logits, fake_logits)
        metrics = {
            "gan": value,
            "real_logit": jnp.mean(real_logits),
            "fake_logit": jnp.mean(fake_logits),
        }
        return value, base.Outcome(metrics, updated["statistics"])

    return Adversary(init, generator_loss, discriminator_loss)


def relativistic(upper: Logits, lower: Logits) -> Float[Array, ""]:
    """The loss of who wants ``upper`` judged more real than ``lower`` on average.

    1/2 [ BCE(upper - mean lower, 1) + BCE(lower - mean upper, 0) ], cross entropies on logits,
    means over all logits. A. Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019.
    """
    bce = optax.sigmoid_binary_cross_entropy
    won = bce(upper - jnp.mean(lower), jnp.ones_like(upper))
    lost = bce(lower - jnp.mean(upper), jnp.zeros_like(lower))
    return (jnp.mean(won) + jnp.mean(lost)) / 2

"""Who judges generated images beside the error: LPIPS and a relativistic discriminator."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from senm_jax.methods import base
from senm_jax.metrics import lpips
from senm_jax.nn import discriminators, initial

Images = Float[Array, "_ h w 3"]
Logits = Float[Array, "*grid 1"]


class Adversary(NamedTuple):
    """``init(key)``; ``generator_loss(variables, real, fake)``;
    ``discriminator_loss(params, context)``, on the images that the generator handed on."""

    init: Callable
    generator_loss: Callable
    discriminator_loss: Callable


class Critics(NamedTuple):
    """Those a config asks for."""

    perceptual: lpips.Weights | None
    adversary: Adversary | None
    signed: bool
    """Whether LPIPS sees images in [-1, 1], as it was made for, and not in [0, 1]."""

    def terms(self, variables: Mapping, y: Images, rec_y: Images) -> dict[str, jax.Array]:
        """``lpips`` and ``gan`` of the generator, before weights; ``variables`` holds the
        discriminator's, which stay as they are."""
        found = {}
        if self.perceptual and y.shape[0]:
            distance = lpips.lpips(self.perceptual, rec_y, y, signed=self.signed)
            found["lpips"] = jnp.mean(distance)
        if self.adversary and y.shape[0]:
            found["gan"] = self.adversary.generator_loss(variables["discriminator"], y, rec_y)
        return found

    @property
    def players(self) -> tuple[str, ...]:
        """The generator, and the discriminator if there is one."""
        return ("generator", "discriminator") if self.adversary else ("generator",)

    def init(self, key: jax.Array) -> dict[str, Any]:
        """The discriminator's fresh variables, if there is one."""
        return {"discriminator": self.adversary.init(key)} if self.adversary else {}


def make(config: Any) -> Critics:
    """The critics of either variant's config.

    Raises:
        ValueError: LPIPS asked for without a readable weights file.
    """
    if config.lpips_weight and not config.lpips_file:
        raise ValueError(
            f"lpips_weight: {config.lpips_weight} asks for LPIPS, which needs AlexNet's weights:"
            " give their path as lpips_file, or set lpips_weight to 0"
        )
    perceptual = lpips.load(config.lpips_file) if config.lpips_weight else None
    judge = None
    if config.gan_weight:
        judge = adversary(discriminators.PatchDiscriminator(
            config.discriminator_width, dtype=jnp.dtype(config.dtype)))
    return Critics(perceptual, judge, config.lpips_signed)


def adversary(network: nn.Module, side: int = 64) -> Adversary:
    """A discriminator, called as ``network(image, train=...)``, and its two losses.

    ``side`` is that of the images that its variables are made for.
    """

    def judge(variables, image):
        return network.apply(variables, image, train=True, mutable=["statistics"])

    def init(key):
        image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
        return initial.variables(network, key, image, train=False)

    def generator_loss(variables, real, fake):
        real_logits, _ = judge(variables, real)
        fake_logits, _ = judge(variables, fake)
        return relativistic(fake_logits, real_logits)

    def discriminator_loss(params, context):
        real, fake = context.handed["real"], context.handed["fake"]
        if not real.shape[0]:
            raise ValueError(
                "config.data.rows: the batch has no noisy image for the discriminator to judge; "
                "give rows of paired or target, or take a config without a discriminator"
            )
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

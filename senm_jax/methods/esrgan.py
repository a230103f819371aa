"""ESRGAN: super-resolution that minimises pixel, feature and adversarial errors together.

X. Wang et al., "ESRGAN", ECCVW 2018, equation 3, with the weights of its release, which LUD-VAE and
DeFlow keep. A batch's ``paired`` has low-resolution images as ``noisy`` and clean ones four times
as large. Training is meant to start from weights that were trained on the pixel error alone
(``config.start``).
"""

import dataclasses

import jax
import jax.numpy as jnp

from senm_jax.methods import base, checks, critics, supervised
from senm_jax.metrics import vgg
from senm_jax.nn import initial, rrdb, vgg_discriminator
from senm_jax.ops import keys, pixels


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes and weights; the defaults are published but for the feature term, which needs weights
    that do not come with this library."""

    width: int = 64
    growth: int = 32
    blocks: int = 23
    dtype: str = "float32"
    """Compute type of both networks; parameters, statistics and losses are float32."""
    pixel_weight: float = 0.01
    """Of the mean absolute error."""
    feature_weight: float = 0.0
    """Of the mean absolute difference of VGG19's conv5_4 before its ReLU; published: 1.0."""
    feature_file: str = ""
    """VGG19's weights, see `metrics.vgg`."""
    gan_weight: float = 0.005
    """Of the relativistic average adversarial term; 0 trains without a discriminator."""
    discriminator_width: int = 64
    discriminator_hidden: int = 100
    discriminator_side: int = 128
    """Side of the clean crops, which the discriminator is made for."""
    discriminator_kair: bool = False
    """KAIR's form of the discriminator, not ESRGAN's own."""


_LEAST = {
    "width": 1, "growth": 1, "blocks": 1, "discriminator_width": 1, "discriminator_hidden": 1,
    "discriminator_side": 1, "pixel_weight": 0, "feature_weight": 0, "gan_weight": 0,
}


def make(config: Config) -> base.Method:
    """The method; players ``restorer``, the generator, and ``discriminator``.

    Raises:
        ValueError: the feature term asked for without a readable weights file, an unknown compute
            type, or a size or weight out of range.
    """
    checks.compute_type(config)
    checks.at_least(config, _LEAST)
    if config.feature_weight and not config.feature_file:
        raise ValueError(
            f"feature_weight: {config.feature_weight} asks for VGG19's features, whose weights do "
            "not come with this library: give their path as feature_file (senm_jax/metrics/vgg.py "
            "says how to write one), or set feature_weight to 0"
        )
    dtype = jnp.dtype(config.dtype)
    network = rrdb.RRDBNet(config.width, config.growth, config.blocks, dtype=dtype)
    perceptual = vgg.load(config.feature_file) if config.feature_weight else None
    judge = _judge(config) if config.gan_weight else None

    def init(key, batch):
        shape = (1, *checks.pairs("ESRGAN", batch)["noisy"].shape[1:3], 3)
        noisy = jax.ShapeDtypeStruct(shape, jnp.float32)
        made = initial.variables(network, keys.named(key, "restorer"), noisy, train=False)
        players = {"restorer": {"params": made["params"], "statistics": {}}}
        if judge:
            players["discriminator"] = judge.init(keys.named(key, "discriminator"))
        return players

    def loss(player, params, context):
        if player == "discriminator":
            return judge.discriminator_loss(params, context)
        pair = checks.pairs("ESRGAN", context.batch)
        clean, noisy = pixels.to_float(pair["clean"]), pixels.to_float(pair["noisy"])
        restored = network.apply({"params": params}, noisy, train=True)
        supervised.require_scale(restored, clean, noisy)
        terms = {"l1": supervised.LOSSES["l1"](restored, clean)}
        if perceptual:
            terms["feature"] = jnp.mean(vgg.distance(perceptual, restored, clean))
        if judge:
            _require_side(config.discriminator_side, clean)
            terms["gan"] = judge.generator_loss(context.variables["discriminator"], clean, restored)
        weights = {"l1": config.pixel_weight, "feature": config.feature_weight,
                   "gan": config.gan_weight}
        value = sum(weights[name] * term for name, term in terms.items())
        handed = {"real": clean, "fake": jax.lax.stop_gradient(restored)}
        psnr = supervised.batch_psnr(restored, clean)
        return value, base.Outcome(terms | {"psnr": psnr}, handed=handed)

    def restore(variables, noisy, key, origin):
        return network.apply({"params": variables["restorer"]["params"]}, noisy, train=False)

    players = ("restorer", "discriminator") if judge else ("restorer",)
    return base.Method(
        players, init, loss, restore=restore, restore_reach=supervised.reach(network)
    )


def _judge(config: Config) -> critics.Adversary:
    network = vgg_discriminator.VGGDiscriminator(
        config.discriminator_width, config.discriminator_hidden, config.discriminator_kair,
        jnp.dtype(config.dtype),
    )
    return critics.adversary(network, config.discriminator_side)


def _require_side(side: int, clean: jax.Array) -> None:
    if clean.shape[1:3] != (side, side):
        raise ValueError(
            f"discriminator_side: the discriminator is made for clean crops of {side}x{side} "
            f"pixels, got {clean.shape[1]}x{clean.shape[2]}: set one to the other"
        )

"""VDIR: a blind restorer that is told how its image is degraded by a latent it infers itself.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; weights and details as
the released code has them. Symbols: x clean, y degraded, c latent, T the degradation's parameters.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from senm_jax.methods import base, checks, vdir_rows, vdir_terms
from senm_jax.nn import initial, spectral, vdir, vdir_ffdnet, vdir_restorer
from senm_jax.ops import gaussian, keys

RESTORERS = {"rir": vdir_restorer.Restorer, "ffdnet": vdir_ffdnet.FFDNet}
"""Networks that are given the latent; ``ffdnet`` is Table XI's."""


@dataclasses.dataclass(frozen=True)
class Config:
    """The networks' sizes and the weights of the objective's terms."""

    restorer: str = "rir"
    """One of `RESTORERS`."""
    architecture: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the restorer's module; those left out keep the module's defaults."""
    width: int = 64
    """Of encoder, decoder and estimator."""
    latent: int = 4
    """Channels of c."""
    channels: int = 3
    """3: R, G, B; 1: the luma alone, whose change the restored image's channels are all given."""
    estimate: str = "sigma"
    """What the estimator is trained to tell, one of `vdir_rows.ESTIMATES`."""
    estimate_weight: float = 1.0
    """lambda2; 0 trains without an estimator."""
    kl_weight: float = 0.01
    """beta, of the mean over the latent's elements."""
    gan_weight: float = 1e-3
    """lambda1; 0 trains without a discriminator."""
    discriminator_width: int = 64
    sample_latent: bool = False
    """Whether restoration draws c from q(c|y); published is one draw, here the default is its
    mean."""
    dtype: str = "float32"
    """Compute type of the convolutions; parameters, the latent and the losses are float32."""


def make(config: Config) -> base.Method:
    """The method; players ``discriminator``, which moves first, and ``generator``.

    The two learn from different halves of a batch's pairs. Without a discriminator the generator
    takes all.

    Raises:
        ValueError: an unknown restorer, field of it or estimate, or a size that cannot be built.
    """
    built = build(config)
    network = built.network

    def loss(player, params, context):
        if player == "discriminator":
            return _discriminator_loss(config, built, params, context)
        return _generator_loss(config, built, params, context)

    def apply(variables, *given, method):
        params = variables["generator"]["params"]["network"]
        return network.apply({"params": params}, *given, method=method)

    def encode(variables, noisy):
        seen = vdir_rows.seen(config.channels, noisy)
        return apply(variables, seen, method=network.encode)

    def infer(variables, noisy):
        return encode(variables, noisy)[0]

    def restore_with(variables, noisy, latent, origin=None):
        given = vdir_rows.seen(config.channels, noisy), latent, origin
        restored = apply(variables, *given, method=network.restore)
        return vdir_rows.shown(config.channels, noisy, restored)

    def restore(variables, noisy, key, origin):
        latent, log_variance = encode(variables, noisy)
        if config.sample_latent:
            eps = gaussian.field(key, origin, noisy.shape[1:3])("latent", latent.shape)
            latent = gaussian.sample(latent, log_variance / 2, eps)
        return restore_with(variables, noisy, latent, origin)

    return base.Method(
        players=("discriminator", "generator") if built.discriminator else ("generator",),
        init=lambda key, batch: _init(config, built, key),
        loss=loss,
        restore=restore,
        infer=infer,
        restore_with=restore_with,
        restore_reach=base.Reach(
            network.multiple, network.radius, network.restorer.scale, any_size=True),
    )


def build(config: Config) -> vdir_terms.Parts:
    """The networks of a config.

    Raises:
        ValueError: as `make`.
    """
    _check(config)
    dtype = jnp.dtype(config.dtype)
    restorer = RESTORERS[config.restorer](**config.architecture, dtype=dtype)
    form = vdir_rows.ESTIMATES[config.estimate]
    outputs = config.channels if form.at_pixels else form.outputs
    estimator = vdir.Estimator(outputs, form.at_pixels, config.width, dtype)
    discriminator = spectral.Discriminator(config.discriminator_width, dtype)
    return vdir_terms.Parts(
        vdir.VDIR(restorer, config.width, config.latent, dtype),
        vdir.Decoder(config.width, config.channels, dtype),
        estimator if config.estimate_weight else None,
        discriminator if config.gan_weight else None,
    )


def _init(config: Config, built: vdir_terms.Parts, key: Array) -> base.Variables:
    """Fresh variables of every player."""
    image = jax.ShapeDtypeStruct((1, 8, 8, config.channels), jnp.float32)
    latent = jax.ShapeDtypeStruct((1, 2, 2, config.latent), jnp.float32)
    modules = {"network": (built.network, image), "decoder": (built.decoder, latent)}
    if built.estimator:
        modules["estimator"] = (built.estimator, latent)
    params = {name: initial.variables(module, keys.named(key, name), given)["params"]
              for name, (module, given) in modules.items()}
    variables = {"generator": {"params": params, "statistics": {}}}
    if built.discriminator:
        variables["discriminator"] = initial.variables(
            built.discriminator, keys.named(key, "discriminator"), image)
    return variables


def _generator_loss(config, built, params, context):
    half = 1 if built.discriminator else None
    rows = vdir_rows.group(config, built.network.restorer.scale, context.batch, half)
    judge = context.variables.get("discriminator")
    parts, moved = vdir_terms.terms(built, params, rows, judge, gaussian.draws(context.key))
    value = sum(weights(config)[name] * part for name, part in parts.items())
    moved = {"discriminator": moved} if built.discriminator else {}
    return value, base.Outcome(parts, moved=moved)


def _discriminator_loss(config, built, params, context):
    rows = vdir_rows.group(config, built.network.restorer.scale, context.batch, 0)
    own, normal = context.variables["discriminator"], gaussian.draws(context.key)
    made = vdir_terms.generate(built, context.variables["generator"]["params"], rows.y, normal)
    judged = {**own, "params": params}
    value, logits, moved = vdir_terms.judge(built.discriminator, judged, rows.y, made.rec_y)
    metrics = {f"{name}_logit": jnp.mean(each) for name, each in logits.items()}
    return value, base.Outcome({"gan": value} | metrics, moved)


def weights(config: Config) -> dict[str, float]:
    """The weight of every part of `vdir_terms.terms`."""
    return {"rec_x": 1.0, "kl": config.kl_weight, "rec_y": 1.0, "gan": config.gan_weight,
            "estimate": config.estimate_weight}


def _check(config: Config) -> None:
    for field, known in (("restorer", RESTORERS), ("estimate", vdir_rows.ESTIMATES)):
        if getattr(config, field) not in known:
            raise ValueError(
                f"{field}: expected one of {sorted(known)}, got {getattr(config, field)!r}"
            )
    kind = RESTORERS[config.restorer]
    known = {field.name for field in dataclasses.fields(kind)} - {"parent", "name", "dtype"}
    unknown = sorted(set(config.architecture) - known)
    if unknown:
        raise ValueError(
            f"architecture: {config.restorer} has the fields {sorted(known)}, got {unknown}"
        )
    checks.at_least(config, {
        "width": 1, "latent": 1, "discriminator_width": 1,
        "estimate_weight": 0, "kl_weight": 0, "gan_weight": 0,
    })
    for name, value in config.architecture.items():
        if name != "open_start" and value < 1:
            raise ValueError(f"architecture.{name}: expected 1 or more, got {value}")
    scale = kind(**config.architecture).scale
    checks.power_of_two("architecture.scale", scale)
    if config.channels not in (1, 3) or (config.channels == 1 and scale > 1):
        raise ValueError(
            f"channels: expected 3, or 1 at the image's own size, got {config.channels}"
        )
    checks.compute_type(config)

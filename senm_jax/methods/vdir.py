"""VDIR: a blind restorer that is told how its image is degraded by a latent it infers itself.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; weights and details as
the released code has them. Symbols: x clean, y degraded, c latent, T the degradation's parameters.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks
from senm_jax.nn import initial, spectral, vdir
from senm_jax.ops import colour, gaussian, keys, pixels

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "b h4 w4 k"]

RESTORERS = {"rir": vdir.Restorer, "ffdnet": vdir.FFDNet}
"""Networks that are given the latent; ``ffdnet`` is Table XI's."""


class Form(NamedTuple):
    """How the estimator says the degradation's parameters."""

    outputs: int
    at_pixels: bool
    targets: int
    """How many numbers a batch's ``degradation`` holds for each row."""


ESTIMATES = {
    "sigma": Form(3, True, 1),
    "kernel": Form(225, False, 225),
    "quality": Form(1, False, 1),
}
"""``sigma``: noise's standard deviation in [0, 1] units, a map; ``kernel``: the blur's 15x15, row
by row; ``quality``: JPEG's over 100. The paper draws the first alone; the others are at the
latent's own size."""


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
    """What the estimator is trained to tell, one of `ESTIMATES`."""
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


class Parts(NamedTuple):
    """What a config builds."""

    network: vdir.VDIR
    decoder: vdir.Decoder
    estimator: vdir.Estimator | None
    discriminator: spectral.Discriminator | None


class Rows(NamedTuple):
    """One player's share of a batch, as the networks take it."""

    x: Image
    y: Image
    """Not clipped."""
    target: Float[Array, "b k"] | None
    """f(T); None without an estimator."""


class Generated(NamedTuple):
    """What the networks make of y and one draw of c."""

    mean: Latent
    log_variance: Latent
    rec_x: Image
    rec_y: Image
    estimate: Image | None


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

    def infer(variables, noisy):
        return apply(variables, _seen(config, noisy), method=network.encode)[0]

    def restore_with(variables, noisy, latent, origin=None):
        given = _seen(config, noisy), latent, origin
        return _shown(config, noisy, apply(variables, *given, method=network.restore))

    def restore(variables, noisy, key, origin):
        latent, log_variance = apply(variables, _seen(config, noisy), method=network.encode)
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


def build(config: Config) -> Parts:
    """The networks of a config.

    Raises:
        ValueError: as `make`.
    """
    _check(config)
    dtype = jnp.dtype(config.dtype)
    restorer = RESTORERS[config.restorer](**config.architecture, dtype=dtype)
    form = ESTIMATES[config.estimate]
    outputs = config.channels if form.at_pixels else form.outputs
    estimator = vdir.Estimator(outputs, form.at_pixels, config.width, dtype)
    discriminator = spectral.Discriminator(config.discriminator_width, dtype)
    return Parts(
        vdir.VDIR(restorer, config.width, config.latent, dtype),
        vdir.Decoder(config.width, config.channels, dtype),
        estimator if config.estimate_weight else None,
        discriminator if config.gan_weight else None,
    )


def _init(config: Config, built: Parts, key: Array) -> base.Variables:
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
    rows = group(config, context.batch, half)
    parts, moved = terms(built, params, rows, context.variables.get("discriminator"),
                         gaussian.draws(context.key))
    value = sum(weights(config)[name] * part for name, part in parts.items())
    moved = {"discriminator": moved} if built.discriminator else {}
    return value, base.Outcome(parts, moved=moved)


def _discriminator_loss(config, built, params, context):
    rows = group(config, context.batch, 0)
    own, normal = context.variables["discriminator"], gaussian.draws(context.key)
    made = generate(built, context.variables["generator"]["params"], rows.y, normal)
    value, logits, moved = judge(built.discriminator, {**own, "params": params}, rows.y, made.rec_y)
    metrics = {f"{name}_logit": jnp.mean(each) for name, each in logits.items()}
    return value, base.Outcome({"gan": value} | metrics, moved)


def group(config: Config, batch: Mapping[str, Mapping[str, Array]], half: int | None) -> Rows:
    """The pairs of a batch in [0, 1]: every second one, from ``half`` (0 or 1) on, or all.

    Raises:
        ValueError: the batch has no pairs or not f(T), or their number is odd.
    """
    pair = batch.get("paired", {})
    form = ESTIMATES[config.estimate] if config.estimate_weight else None
    wanted = ["clean", "noisy"] + ["degradation"] * (form is not None)
    if set(wanted) - set(pair):
        raise ValueError(
            f"batch: VDIR learns from pairs; expected 'paired' with {', '.join(wanted)}, got "
            f"{sorted(pair) or sorted(batch)}; without the degradation, set estimate_weight to 0"
        )
    if half is not None and len(pair["clean"]) % 2:
        raise ValueError(
            f"rows.paired: discriminator and generator take half of them each; expected an even "
            f"number, got {len(pair['clean'])}"
        )
    if form is not None and pair["degradation"].shape[1:] != (form.targets,):
        raise ValueError(
            f"config.hyper.estimate: {config.estimate!r} learns {form.targets} numbers a row, got "
            f"{pair['degradation'].shape[1]} from config.data.degradation; name the estimate of "
            "that degradation, or set estimate_weight to 0"
        )
    x, y, target = (_share(pair[name], half) if name in wanted else None
                    for name in ("clean", "noisy", "degradation"))
    sides, scale = y.shape[1:3], _scale(config)
    if any(side % 4 for side in sides) or x.shape[1:3] != tuple(scale * s for s in sides):
        raise ValueError(
            f"batch: expected noisy crops whose sides are multiples of 4 and clean ones {scale} "
            f"times as large, got {tuple(sides)} and {tuple(x.shape[1:3])}; see config.data"
        )
    return Rows(*(_seen(config, pixels.to_float(image)) for image in (x, y)), target)


def _share(rows: Array, half: int | None) -> Array:
    """Every second row; where each device has an even number of them, none moves."""
    return rows if half is None else rows.reshape(-1, 2, *rows.shape[1:])[:, half]


def generate(built: Parts, params: Any, y: Image, normal: gaussian.Normal) -> Generated:
    """One draw of c, and what restorer, decoder and estimator make of it; without gradients where
    ``params`` are constants."""
    def apply(name, module, *given, **more):
        return module.apply({"params": params[name]}, *given, **more)

    network = built.network
    mean, log_variance = apply("network", network, y, method=network.encode)
    c = gaussian.sample(mean, log_variance / 2, normal("latent", mean.shape))
    return Generated(
        mean, log_variance,
        rec_x=apply("network", network, y, c, method=network.restore),
        rec_y=apply("decoder", built.decoder, c),
        estimate=apply("estimator", built.estimator, c) if built.estimator else None,
    )


def terms(
    built: Parts, params: Any, rows: Rows, discriminator: Mapping | None, normal: gaussian.Normal
) -> tuple[dict[str, Array], Any]:
    """The generator's objective before weights, and the discriminator's moved statistics.

    rec_x, rec_y, estimate: mean absolute errors over all elements; kl: KL( q(c|y) || N(0, 1) ),
    nats, mean over rows and elements of c; gan: mean softplus(-D(y_hat)). A part without its
    network is left out.
    """
    made = generate(built, params, rows.y, normal)
    kl = gaussian.kl(made.mean, made.log_variance / 2, *[jnp.zeros_like(made.mean)] * 2)
    parts = {"rec_x": _l1(rows.x, made.rec_x), "kl": jnp.mean(kl),
             "rec_y": _l1(rows.y, made.rec_y)}
    moved = {}
    if built.discriminator:
        logits, moved = _judged(built.discriminator, discriminator, made.rec_y)
        parts["gan"] = jnp.mean(jax.nn.softplus(-logits))
    if built.estimator:
        parts["estimate"] = _l1(rows.target[:, None, None], made.estimate)
    return parts, moved


def weights(config: Config) -> dict[str, float]:
    """The weight of every part of `terms`."""
    return {"rec_x": 1.0, "kl": config.kl_weight, "rec_y": 1.0, "gan": config.gan_weight,
            "estimate": config.estimate_weight}


def judge(
    discriminator: nn.Module, variables: Mapping, real: Image, fake: Image
) -> tuple[Array, dict[str, Array], Any]:
    """mean softplus(-D(real)) + mean softplus(D(fake)), the logits of ``real`` and ``fake``, and
    the moved statistics: both are judged from the same, so they end the same."""
    logits, moved = {}, None
    for name, image in (("real", real), ("fake", fake)):
        logits[name], moved = _judged(discriminator, variables, image)
    value = jnp.mean(jax.nn.softplus(-logits["real"])) + jnp.mean(jax.nn.softplus(logits["fake"]))
    return value, logits, moved


def _judged(discriminator, variables, image):
    logits, updated = discriminator.apply(variables, image, mutable=["statistics"])
    return logits, updated["statistics"]


def _l1(a: Array, b: Array) -> Float[Array, ""]:
    return jnp.mean(jnp.abs(a - b))


def _seen(config: Config, image: Image) -> Image:
    """The channels that the networks see."""
    return image if image.shape[-1] == config.channels else _luma(image)


def _shown(config: Config, noisy: Image, restored: Image) -> Image:
    """The restored image in the channels of ``noisy``: with the luma alone, its change is added to
    all of them, which leaves the chroma as it was."""
    if noisy.shape[-1] == config.channels:
        return restored
    return noisy + (restored - _luma(noisy))


def _luma(image: Image) -> Float[Array, "b h w 1"]:
    """Y of BT.601 with black at 0 and white at 1; that of a grey image is its grey."""
    weights = jnp.asarray(colour.LUMA / colour.LUMA.sum(), image.dtype)
    return jnp.sum(image * weights, -1, keepdims=True)


def _scale(config: Config) -> int:
    """Restored size over degraded."""
    return RESTORERS[config.restorer](**config.architecture).scale


def _check(config: Config) -> None:
    for field, known in (("restorer", RESTORERS), ("estimate", ESTIMATES)):
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
    scale = _scale(config)
    if scale & (scale - 1):
        raise ValueError(f"architecture.scale: expected a power of 2, got {scale}")
    if config.channels not in (1, 3) or (config.channels == 1 and scale > 1):
        raise ValueError(
            f"channels: expected 3, or 1 at the image's own size, got {config.channels}"
        )
    checks.compute_type(config)

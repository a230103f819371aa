"""What the noise models of single pixels and their near neighbours share: all but the flow itself.

A `Model` maps the noise of an image, given the clean image and the camera configuration, to
standard normal numbers. Images are taken as (v + u) / 256, v the 8-bit value and u uniform in
[0, 1) where the model has that side dequantised, and 1/2 where it has not.
"""

import functools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, configurations
from senm_jax.nn import camera_scaling
from senm_jax.ops import gaussian, keys

Image = Float[Array, "b h w 3"]
Uniform = Callable[[str], Float[Array, "..."]]
"""``uniform(side)``: numbers in [0, 1) for a side's pixels."""


class Model(NamedTuple):
    """A bijector from noise to the latent, and how images are given to it."""

    name: str
    """For messages."""
    flow: Callable[..., nn.Module]
    """``flow(train=...)``: the bijector, whose features are a `camera_scaling.Given`."""
    radius: int
    """How far a pixel of the noise looks, in pixels of the clean image and of the latent."""
    dequantised: tuple[str, ...]
    """Sides that are dequantised in training, of ``clean`` and ``noisy``."""


def make(names: tuple[str, ...], model: Model) -> base.Method:
    """The method; its player ``flow`` learns from the domain ``paired`` and its configurations.

    The conditions of `sample` are ``temperature``, which multiplies the latent, and a weight for
    each configuration by its name. The configuration of an image is drawn with these weights: 1
    for one alone draws noise of that configuration, and the weights of `imitate` are the
    configurations' probabilities given the example, all alike beforehand. Without any, all
    configurations count alike.

    Raises:
        ValueError: there is no configuration, or one twice.
    """
    configurations.check(names)
    flow = model.flow(train=False)

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])

        def uniform(side):
            return jax.scipy.special.ndtr(normal(side, clean.shape))

        given = camera_scaling.Given(
            _spread("clean", clean, model.dequantised, uniform),
            _drawn(key, configurations.weights(conditions, names)),
        )
        z = conditions["temperature"][:, None, None, None] * normal("latent", clean.shape)
        noise, _ = flow.apply(variables["flow"], z, given, method="inverse")
        return _image(given.clean + noise)

    judge = functools.partial(_judge, model, len(names))

    def imitate(variables, clean, noisy):
        if clean is None:
            raise ValueError(f"{model.name} reads noise off pairs: it needs the clean image too")
        weights = jax.nn.softmax(judge(variables, clean, noisy).log_odds)
        named = {name: weights[:, i] for i, name in enumerate(names)}
        return named | {"temperature": jnp.ones(noisy.shape[0])}

    return base.Method(
        players=("flow",),
        init=functools.partial(_init, model),
        loss=functools.partial(_loss, model, len(names)),
        sample=sample,
        imitate=imitate,
        imitate_needs_clean=True,
        judge=judge,
        configurations=names,
        conditions=dict.fromkeys(names, 0.0) | {"temperature": 1.0},
        sample_reach=base.Reach(1, model.radius),
    )


def camera_settings(names: Sequence[str]) -> camera_scaling.CameraSettings:
    """The camera and the ISO of configurations that are named ``CAMERA_00100``.

    Raises:
        ValueError: a name does not end in an ISO number of five digits or more.
    """
    pairs = [name.rpartition("_")[::2] for name in names]
    for name, (camera, iso) in zip(names, pairs, strict=True):
        if not (camera and len(iso) >= 5 and iso.isdecimal() and int(iso)):
            raise ValueError(
                "configurations: expected names that end in an ISO number, as CAMERA_00100, got "
                f"{name!r}; this model needs the ISO of every noisy patch"
            )
    return camera_scaling.CameraSettings(
        tuple(camera for camera, _ in pairs), tuple(int(iso) for _, iso in pairs)
    )


def _init(model: Model, key: Array, batch: Mapping) -> base.Variables:
    clean, noisy, configuration = configurations.pair(
        jax.tree.map(jnp.asarray, batch), model.name
    )
    given = camera_scaling.Given(clean, configuration)
    init = jax.jit(functools.partial(model.flow(train=False).init, method="forward"))
    variables = init(key, noisy - clean, given)
    return {"flow": {
        "params": variables["params"], "statistics": variables.get("statistics", {})
    }}


def _loss(
    model: Model, count: int, player: str, params: Any, context: base.Context
) -> tuple[Array, base.Outcome]:
    """Mean negative log-likelihood of each row under its own configuration, in nats per number.

    ``nll`` is that of 8-bit values, ln 256 above the density's; ``bpd`` is the same in bits per
    pixel and channel. Where the noisy side is not dequantised neither is a code length.
    """
    clean, noisy, configuration = configurations.pair(context.batch, model.name)

    def uniform(side):
        return jax.random.uniform(keys.named(context.key, side), noisy.shape)

    x, noise = _noise(clean, noisy, model.dequantised, uniform)
    variables = {"params": params, "statistics": context.variables[player]["statistics"]}
    result, updated = model.flow(train=True).apply(
        variables, noise, camera_scaling.Given(x, configuration), method="forward",
        mutable=["statistics"],
    )
    known = (configuration >= 0) & (configuration < count)
    log_density = jnp.where(known, _log_density(*result), jnp.nan)
    bits = jnp.mean(configurations.bits(log_density, noisy))
    nll = math.log(2) * bits
    return nll, base.Outcome({"nll": nll, "bpd": bits}, updated.get("statistics", {}))


def _judge(
    model: Model, count: int, variables: base.Variables, clean: Image, noisy: Image
) -> base.Judgement:
    """Every configuration's explanation of each row, by the flow with running statistics."""
    # The noisy image is dequantised in any case, or bits would not be those of 8-bit values.
    sides = {"noisy", *model.dequantised}
    x, noise = _noise(clean, noisy, sides, _fixed(noisy.shape[1:]))
    flow = model.flow(train=False)

    def under(configuration):
        given = camera_scaling.Given(x, jnp.full(noisy.shape[0], configuration))
        return _log_density(*flow.apply(variables["flow"], noise, given, method="forward"))

    log_density = jax.lax.map(under, jnp.arange(count)).T
    return base.Judgement(configurations.bits(log_density, noisy), log_density)


def _log_density(z: Image, log_det: Float[Array, "b"]) -> Float[Array, "b"]:
    """Log-likelihood of each row in nats, its latent standard normal."""
    return log_det - 0.5 * jnp.sum(jnp.square(z) + math.log(2 * math.pi), (1, 2, 3))


def _noise(
    clean: Image, noisy: Image, sides: Collection[str], uniform: Uniform
) -> tuple[Image, Image]:
    """The clean image and the noise, an 8-bit step being 1/256."""
    x = _spread("clean", clean, sides, uniform)
    return x, _spread("noisy", noisy, sides, uniform) - x


def _spread(side: str, image: Image, sides: Collection[str], uniform: Uniform) -> Image:
    """(v + u) / 256 of an image v / 255; u is 1/2 unless the side is one of ``sides``."""
    u = uniform(side) if side in sides else 0.5
    return (255 * image + u) / configurations.LEVELS


def _image(spread: Image) -> Image:
    """The image whose rounding to 8 bits is the value that ``spread`` belongs to: its floor."""
    return (configurations.LEVELS * spread - 0.5) / 255


def _fixed(shape: tuple[int, ...]) -> Uniform:
    """One draw for all rows: what is read off an image depends on it alone."""
    key = keys.named(jax.random.key(0), "judge")
    return lambda side: jax.random.uniform(keys.named(key, side), shape)


def _drawn(key: Array, weights: Float[Array, "b n"]) -> Array:
    """A configuration for each row, by the weights; of the row's key alone, so tiles agree."""
    def one(key, weights):
        return jax.random.categorical(keys.named(key, "configuration"), jnp.log(weights))

    return jax.vmap(one)(key, weights)

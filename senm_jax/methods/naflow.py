"""NAFlow: the likelihood of noisy images by camera configuration, and noise like an example's.

D. Kim, D. Jung, S. Baik, T. H. Kim, "sRGB Real Noise Modeling via Noise-Aware Sampling with
Normalizing Flows", ICLR 2024; details as the released code has them, which differ from the
paper's in places.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks, configurations
from senm_jax.nn import camera_gaussians, naflow
from senm_jax.ops import gaussian, keys

Image = Float[Array, "b h w 3"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The camera configurations, the network's size, and how configurations are joined."""

    configurations: tuple[str, ...] = ()
    """Names in the order of the learnt table; () in a config to be trained stands for those of the
    training stores."""
    single_gaussian: bool = False
    """Whether one Gaussian is learnt for all configurations, as an ablation."""
    levels: int = 3
    transitions: int = 2
    blocks: int = 2
    width: int = 128
    hidden: int = 64
    sampling: str = "released"
    """How an example's configurations are weighed and joined, one of `camera_gaussians.FORMS`."""
    condition_std: float = 3 / 255
    """Of the noise on the clean image that the network is given, in training and in use."""
    dtype: str = "float32"
    """Compute type of the couplings' networks; images, latents and likelihoods are float32."""


def make(config: Config) -> base.Method:
    """The method; its player ``flow`` learns from the domain ``paired`` and its configurations.

    The conditions of `sample` are ``temperature``, which multiplies the deviations, and a weight
    for each configuration by its name: 1 for one alone draws noise of that configuration, and the
    weights of `imitate` draw noise like the example's (noise-aware sampling). They need not sum
    to 1; without any, all configurations count alike.

    Raises:
        ValueError: a field is out of range.
    """
    _check(config)
    network = _network(config)
    form = camera_gaussians.FORMS[config.sampling]

    def apply(method, tree, *given):
        variables = {name: tree[name]["network"] for name in ("params", "statistics")}
        return network.apply(variables, *given, method=method)

    def sample(variables, clean, key, conditions, origin):
        tree = variables["flow"]
        normal = gaussian.field(key, origin, clean.shape[1:3])
        weights = configurations.weights(conditions, config.configurations)
        mean, std = camera_gaussians.mixed(weights, _table(config, tree), form)
        std = conditions["temperature"][:, None] * std
        cells = [length // network.multiple for length in clean.shape[1:3]]
        eps = normal("latent", (clean.shape[0], *cells, network.channels))
        z = mean[:, None, None] + std[:, None, None] * eps
        given = _roughened(clean, config.condition_std * normal("condition", clean.shape))
        return apply("decode", tree, z, given)[0]

    def judge(variables, clean, noisy):
        z, log_det = apply("encode", variables["flow"], *_as_in_training(config, clean, noisy))
        judged = camera_gaussians.judge(z, _table(config, variables["flow"]))
        bits = configurations.bits(log_det[:, None] + judged.log_likelihood, noisy)
        return base.Judgement(bits, judged.log_odds)

    def imitate(variables, clean, noisy):
        if clean is None:
            raise ValueError("NAFlow reads noise off pairs: it needs the clean image too")
        log_odds = judge(variables, clean, noisy).log_odds
        places = noisy.shape[1] * noisy.shape[2] // network.multiple**2
        weights = form.weights(log_odds, places)
        named = {name: weights[:, i] for i, name in enumerate(config.configurations)}
        return named | {"temperature": jnp.ones(noisy.shape[0])}

    return base.Method(
        players=("flow",),
        init=functools.partial(_init, config, network),
        loss=functools.partial(_loss, config, apply),
        sample=sample,
        imitate=imitate,
        imitate_needs_clean=True,
        judge=judge,
        configurations=config.configurations,
        conditions=dict.fromkeys(config.configurations, 0.0) | {"temperature": 1.0},
        sample_reach=base.Reach(network.multiple, network.radius),
    )


def _init(config: Config, network: naflow.NAFlow, key: Array, batch: Mapping) -> base.Variables:
    """Fresh variables; every ActNorm begins at the batch's own mean and deviation."""
    clean, noisy, _ = configurations.pair(jax.tree.map(jnp.asarray, batch), "NAFlow")
    y, x = _with_noise(config, keys.named(key, "data"), clean, noisy)
    init = jax.jit(functools.partial(network.init, method="encode"))
    variables = init(keys.named(key, "network"), y, x)
    gaussians = 1 if config.single_gaussian else len(config.configurations)
    table = camera_gaussians.first(gaussians, network.channels)
    return {"flow": {
        "params": {"network": variables["params"], "configurations": table},
        "statistics": {"network": variables["statistics"]},
    }}


def _loss(
    config: Config, apply: Callable, player: str, params: Any, context: base.Context
) -> tuple[Array, base.Outcome]:
    """Mean negative log-likelihood of each row under its own configuration, in bits per pixel.

    ``nll`` counts the dequantisation as the release does, for one channel of three; ``bpd`` is
    what the 8-bit image costs, in bits per pixel and channel: 3 bpd - nll = 16.
    """
    clean, noisy, configuration = configurations.pair(context.batch, "NAFlow")
    tree = {"params": params, "statistics": context.variables[player]["statistics"]}
    y, x = _with_noise(config, context.key, clean, noisy)
    z, log_det = apply("encode", tree, y, x)
    log_prior = camera_gaussians.log_prob(z, _table(config, tree), configuration)
    bits = jnp.mean(configurations.bits(log_det + log_prior, noisy))
    nll = released_bits(bits)
    return nll, base.Outcome({"nll": nll, "bpd": bits}, tree["statistics"])


def released_bits(bits: Array | float) -> Array | float:
    """The release's bits per pixel, of bits per pixel and channel: 16 below three times those.

    It counts ln 256 once a pixel, and not once a channel.
    """
    return 3 * bits - 2 * math.log2(configurations.LEVELS)


def _with_noise(config: Config, key: Array, clean: Image, noisy: Image) -> tuple[Image, Image]:
    """The noisy image dequantised, and the clean one as the network is given it."""
    uniform = jax.random.uniform(keys.named(key, "dequantise"), noisy.shape)
    normal = jax.random.normal(keys.named(key, "condition"), clean.shape)
    return _dequantised(noisy, uniform), _roughened(clean, config.condition_std * normal)


def _as_in_training(config: Config, clean: Image, noisy: Image) -> tuple[Image, Image]:
    """`_with_noise` of one fixed draw for all rows: what is read off an image depends on it alone.

    The release draws the clean image's noise once for an example's reading and its imitation; here
    `sample` has its own, and of the example nothing but the shares of configurations is handed on.
    """
    key, shape = keys.named(jax.random.key(0), "judge"), noisy.shape[1:]
    uniform = jax.random.uniform(keys.named(key, "dequantise"), shape)
    normal = jax.random.normal(keys.named(key, "condition"), shape)
    return _dequantised(noisy, uniform), _roughened(clean, config.condition_std * normal)


def _dequantised(noisy: Image, uniform: Array) -> Image:
    return noisy + (uniform - 0.5) / configurations.LEVELS


def _roughened(clean: Image, noise: Array) -> Image:
    """The clean image under noise, as the network is always given it."""
    return jnp.clip(clean + noise, 0, 1)


def _table(config: Config, tree: Mapping) -> camera_gaussians.Table:
    """A row for each configuration; a single Gaussian is every one's."""
    table = camera_gaussians.Table(**tree["params"]["configurations"])
    shape = len(config.configurations), table.mean.shape[1]
    return jax.tree.map(lambda field: jnp.broadcast_to(field, shape), table)


def _network(config: Config) -> naflow.NAFlow:
    return naflow.NAFlow(
        levels=config.levels, transitions=config.transitions, blocks=config.blocks,
        width=config.width, hidden=config.hidden, dtype=jnp.dtype(config.dtype),
    )


def _check(config: Config) -> None:
    configurations.check(config.configurations)
    checks.at_least(config, {
        "levels": 1, "transitions": 1, "blocks": 1, "hidden": 1, "condition_std": 0})
    if config.width < 4 or config.width % 4:
        raise ValueError(f"width: expected a positive multiple of 4, got {config.width}")
    if config.sampling not in camera_gaussians.FORMS:
        raise ValueError(
            f"sampling: expected one of {sorted(camera_gaussians.FORMS)}, got {config.sampling!r}"
        )
    checks.compute_type(config)

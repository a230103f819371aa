"""DeFlow: learns a degradation from clean and degraded images that have nothing to do with
each other, as a shift between the latents of one conditional flow.

V. Wolf, A. Lugmayr, M. Danelljan, L. Van Gool, R. Timofte, "DeFlow: Learning Complex Image
Degradations from Unpaired Data with Conditional Flows", CVPR 2021; details as the released code
has them, but for the first value of M (`Config.first_shift`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks
from senm_jax.nn import deflow, domain_shift
from senm_jax.ops import arrays, gaussian, keys, matching, pixels

Image = Float[Array, "_ _ _ 3"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The network's size, the noise that is added, and the statistics that are matched."""

    levels: int = 3
    transitions: int = 2
    steps: int = 16
    hidden: int = 128
    scale: int = 8
    """How much smaller the image is made for the features that the flow is given."""
    width: int = 64
    growth: int = 32
    blocks: int = 23
    tapped: tuple[int, ...] = (1, 8, 15, 22)
    """RRDBs, counted from 0, whose results are features beside the last one's."""
    condition_std: float = 0.03
    """Of the noise on the small image, in training and in use."""
    bins: int = 32
    """Images are spread over a cell of this fraction of the range around each value, in training
    and in use: noise of standard deviation 0.29 / bins, which decoding does not take off."""
    first_shift: float = 1e-3
    """Standard deviation of the entries of M before training. The release starts it at 0, where
    its gradient is 0: there the covariance I + M M^T is never learnt, the mean alone is."""
    match_255: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    """`matching.Statistics`: noisy images are brought to the clean images' statistics before the
    network sees them, and what it makes of clean ones is brought back; empty leaves them."""
    match_small_255: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    """Likewise of the images made small."""
    dtype: str = "float32"
    """Compute type of the couplings' networks and of the features; all else is float32."""


class Rows(NamedTuple):
    """A batch's images as the network takes them: clean rows and noisy rows, joined."""

    image: Image
    """In [0, 1], statistics matched, dequantised."""
    small: Image
    """Made small, statistics matched, with noise."""
    shares: int
    """See `arrays.join`: the largest number that divides both domains' row counts."""


def make(config: Config) -> base.Method:
    """The method; its one player is ``flow``.

    The condition of `sample` is ``heat``: with 0 the clean image comes back (but for its
    dequantisation), with 1 the degraded one; latents between are interpolated.

    Raises:
        ValueError: a field is out of range.
    """
    network = build(config)
    apply = functools.partial(_apply, network)
    reach = base.Reach(network.multiple, network.radius)

    def translate(variables, image, small, normal, change):
        uniform = jax.scipy.special.ndtr(normal("dequantise", image.shape))
        small = small + config.condition_std * normal("condition", small.shape)

        def changed(latents):
            shifts = _shifts(variables["flow"]["params"])
            etas = [normal(f"latent_{i}", z.shape) for i, z in enumerate(latents)]
            return [change(*each) for each in zip(latents, shifts, etas, strict=True)]

        given = _dequantised(config, image, uniform), small, changed
        return apply("translate", variables["flow"], *given)

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        heat = conditions["heat"][:, None, None, None]
        small = apply("reduced", variables["flow"], clean)

        def change(z, shift, eta):
            return (1 - heat) * z + heat * domain_shift.degraded(z, shift, eta)

        noisy = translate(variables, clean, small, normal, change)
        return matching.unmatched(config.match_255, noisy)

    def restore(variables, noisy, key, origin):
        normal = gaussian.field(key, origin, noisy.shape[1:3])
        small = apply("reduced", variables["flow"], noisy)
        image = matching.matched(config.match_255, noisy)
        small = matching.matched(config.match_small_255, small)
        return translate(variables, image, small, normal, domain_shift.restored)

    return base.Method(
        players=("flow",),
        init=functools.partial(_init, config, network),
        loss=functools.partial(_loss, config, apply),
        sample=sample,
        restore=restore,
        imitate=lambda variables, clean, noisy: {"heat": jnp.ones(noisy.shape[0])},
        conditions={"heat": 1.0},
        sample_reach=reach,
        restore_reach=reach,
    )


def build(config: Config) -> deflow.DeFlow:
    """The network of a config; raises as `make`."""
    _check(config)
    names = ("levels", "transitions", "steps", "hidden", "scale", "width", "growth", "blocks")
    sizes = {name: getattr(config, name) for name in names}
    return deflow.DeFlow(**sizes, tapped=tuple(config.tapped), dtype=jnp.dtype(config.dtype))


def _apply(network: deflow.DeFlow, method: str, tree: Mapping, *given: Any) -> Any:
    variables = {"params": tree["params"]["network"], "statistics": tree["statistics"]["network"]}
    return network.apply(variables, *given, method=method)


def _init(
    config: Config, network: deflow.DeFlow, key: Array, batch: Mapping
) -> base.Variables:
    """Fresh variables; every ActNorm begins at the batch's own mean and deviation."""
    reduced = functools.partial(network.apply, {}, method="reduced")
    rows = group(config, reduced, jax.tree.map(jnp.asarray, batch), keys.named(key, "data"))
    init = jax.jit(functools.partial(network.init, method="encode"))
    variables = init(keys.named(key, "network"), rows.image, rows.small)
    shifts = {
        f"latent_{i}": domain_shift.first(
            keys.named(key, f"latent_{i}"), channels, config.first_shift
        )
        for i, channels in enumerate(network.channels)
    }
    return {"flow": {
        "params": {"network": variables["params"], "shifts": shifts},
        "statistics": {"network": variables["statistics"]},
    }}


def _loss(
    config: Config, apply: Callable, player: str, params: Any, context: base.Context
) -> tuple[Array, base.Outcome]:
    """Mean negative log-likelihood of all rows, each under its own domain, in bits per pixel.

    ``nll_x`` and ``nll_y`` are those of the clean and of the noisy rows. As released, the
    dequantisation is counted for one channel of three.
    """
    tree = {"params": params, "statistics": context.variables[player]["statistics"]}
    reduced = functools.partial(apply, "reduced", tree)
    rows = group(config, reduced, context.batch, context.key)
    latents, log_det = apply("encode", tree, rows.image, rows.small)
    clean, total = context.batch["source"]["clean"].shape[0], log_det.shape[0]
    log_probs = [lambda z, shift: domain_shift.log_prob_clean(z), domain_shift.log_prob_degraded]
    parts = {}
    for name, start, stop, log_prob in zip(
        ("nll_x", "nll_y"), (0, clean), (clean, total), log_probs, strict=True
    ):
        own = functools.partial(arrays.part, start=start, stop=stop, blocks=rows.shares)
        density = own(log_det) + sum(
            log_prob(own(z), shift) for z, shift in zip(latents, _shifts(params), strict=True)
        )
        parts[name] = jnp.mean(_bits(config, density, rows.image))
    share = clean / total
    nll = share * parts["nll_x"] + (1 - share) * parts["nll_y"]
    return nll, base.Outcome({"nll": nll, **parts}, tree["statistics"])


def _bits(config: Config, log_density: Float[Array, "b"], image: Image) -> Float[Array, "b"]:
    places = image.shape[1] * image.shape[2]
    return math.log2(config.bins) - log_density / (math.log(2) * places)


def group(
    config: Config, reduced: Callable, batch: Mapping[str, Mapping[str, Array]], key: Array
) -> Rows:
    """A batch of 8-bit images as float32 rows; ``reduced`` makes images small.

    Raises:
        ValueError: the batch's domains are not ``source`` and ``target``.
    """
    if set(batch) != {"source", "target"}:
        raise ValueError(
            "batch: DeFlow learns from the domains source and target, and from no others, got "
            f"{sorted(batch)}; see config.data.rows"
        )
    x = pixels.to_float(batch["source"]["clean"])
    y = pixels.to_float(batch["target"]["noisy"])
    shares = math.gcd(x.shape[0], y.shape[0])
    image = arrays.join([x, matching.matched(config.match_255, y)], shares)
    small = arrays.join(
        [reduced(x), matching.matched(config.match_small_255, reduced(y))], shares
    )
    uniform = jax.random.uniform(keys.named(key, "dequantise"), image.shape)
    noise = config.condition_std * gaussian.draws(key)("condition", small.shape)
    return Rows(_dequantised(config, image, uniform), small + noise, shares)


def _dequantised(config: Config, image: Image, uniform: Array) -> Image:
    return image + (uniform - 0.5) / config.bins


def _shifts(params: Mapping) -> list[domain_shift.Shift]:
    """The domain shift of each latent, finest first."""
    shifts = params["shifts"]
    return [domain_shift.Shift(**shifts[f"latent_{i}"]) for i in range(len(shifts))]


def _check(config: Config) -> None:
    sizes = ("levels", "transitions", "steps", "hidden", "width", "growth", "blocks", "bins")
    checks.at_least(config, dict.fromkeys(sizes, 1) | {"condition_std": 0, "first_shift": 0})
    cell = 2**config.levels
    if config.scale < 2 or config.scale not in (cell, cell // 2):
        raise ValueError(
            f"scale: with {config.levels} levels expected {cell} or its half, at least 2, got "
            f"{config.scale}"
        )
    if not config.tapped or not all(0 <= i < config.blocks for i in config.tapped):
        raise ValueError(
            f"tapped: expected one or more of the blocks 0 to {config.blocks - 1}, got "
            f"{config.tapped}"
        )
    matching.check("match_255", config.match_255)
    matching.check("match_small_255", config.match_small_255)
    checks.compute_type(config)

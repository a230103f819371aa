"""LUD-VAE: learns from clean images and noisy images that have nothing to do with each other.

D. Zheng et al., "Learn from Unpaired Data for Image Restoration: A Variational Bayes Approach",
TPAMI 2022; weights and details as the released code has them. White noise added to the images
of both domains hides the real noise, so that the content inferred from a clean and from a noisy
image has the same distribution (the paper's inference-invariant condition): h(v) = v + sigma *
normal, with a sigma for each domain, fresh in each step and not clipped.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks, objectives
from senm_jax.nn import initial, lud_opening, lud_vae
from senm_jax.ops import gaussian, keys, matching, pixels

Image = Float[Array, "_ _ _ 3"]


@dataclasses.dataclass(frozen=True)
class Config:
    """The network's size, the noise that is added, and the weight of the divergence.

    Names that end in ``_255`` count in 8-bit units; a range is (lowest, highest).
    """

    width: int = 128
    layers: int = 3
    """Stochastic layers, 1 to 5."""
    dtype: str = "float32"
    """Compute type of the convolutions."""
    clean_noise_255: float = 15.0
    """Standard deviation of what is added to clean images in training."""
    noisy_noise_255: float = 10.0
    """Likewise to noisy images; the degradation encoder sees them without."""
    restore_noise_255: float = 0.0
    """Of what is added to noisy images that are restored; published, none."""
    sample_noise_255: tuple[float, ...] = (15.0, 15.0)
    """Range of what is added to clean images that are translated, drawn uniformly per image."""
    sample_temperature: tuple[float, ...] = (1.0, 1.0)
    """Range of the factor of the degradation latent, mean and all, in translation, likewise."""
    match_255: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    """`matching.Statistics`: noisy images are brought to the clean images' means and deviations
    before the network sees them, and what it makes of clean ones is brought back; empty leaves
    them."""
    kl_weight: float = 1e-4
    """Of KL(zn) over the number of image values, not of latent ones. A Gaussian decoder's
    variance multiplies it, so it goes with the square of the noise's standard deviation."""
    kl_anneal_steps: int = 10_000
    """The weight rises linearly from 0 over so many steps; 0: whole at once."""
    open_noise_255: float = 0.0
    """The noise's standard deviation for a start at which the image passes and zn sees the noise
    (`nn.lud_opening`); 0 is the published start, at random."""


class Rows(NamedTuple):
    """A batch's images as the network takes them."""

    x: Image
    """Clean images of the source rows, [0, 1]."""
    hx: Image
    """The same with noise."""
    y: Image
    """Noisy images of the target rows, their statistics matched, [0, 1]."""
    hy: Image
    """The same with noise."""
    shares: int
    """See `arrays.join`: the largest number that divides both domains' row counts."""


def make(config: Config) -> base.Method:
    """The method; its one player is ``generator``.

    Conditions of `sample` are ``pre_noise``, the standard deviation in [0, 1] units of the noise
    that hides what is left in the clean image, and ``temperature``.

    Raises:
        ValueError: sizes that cannot be built, negative noise, or statistics that cannot be.
    """
    network = build(config)
    reach = base.Reach(network.multiple, network.radius)
    ranges = {
        "pre_noise": tuple(end / 255 for end in config.sample_noise_255),
        "temperature": tuple(config.sample_temperature),
    }
    conditions = {name: sum(ends) / 2 for name, ends in ranges.items()}

    def apply(variables, *arguments, method):
        params = variables["generator"]["params"]
        return network.apply({"params": params}, *arguments, method=method)

    def loss(player, params, context):
        rows = group(config, context.batch, context.key)
        parts = terms(network, params, rows, gaussian.draws(keys.named(context.key, "zn")))
        value = objectives.total(parts, weights(config, rows, context.step))
        return value, base.Outcome(parts | objectives.diagnostics(parts))

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        noise = conditions["pre_noise"][:, None, None, None] * normal("pre_noise", clean.shape)
        given = clean + noise, conditions["temperature"], normal
        noisy = apply(variables, *given, method=network.translate)
        return matching.unmatched(config.match_255, noisy)

    def restore(variables, noisy, key, origin):
        if config.restore_noise_255:
            normal = gaussian.field(key, origin, noisy.shape[1:3])
            noisy = noisy + config.restore_noise_255 / 255 * normal("pre_noise", noisy.shape)
        return apply(variables, matching.matched(config.match_255, noisy), method=network.denoise)

    def imitate(variables, clean, noisy):
        return {name: jnp.full(noisy.shape[0], value) for name, value in conditions.items()}

    def content(variables, domain, image, key):
        noised = _noised(config, domain, image, keys.named(key, "pre_noise"))
        return apply(variables, noised, method=network.content)

    return base.Method(
        players=("generator",),
        init=lambda key, batch: _init(config, network, key),
        loss=loss,
        sample=sample,
        restore=restore,
        imitate=imitate,
        content=content,
        conditions=conditions,
        ranges=ranges,
        sample_reach=reach,
        restore_reach=reach,
    )


def build(config: Config) -> lud_vae.LUDVAE:
    """The network of a config; raises as `make`."""
    _check(config)
    return lud_vae.LUDVAE(config.width, config.layers, jnp.dtype(config.dtype))


def _init(config: Config, network: lud_vae.LUDVAE, key: Array) -> base.Variables:
    image = jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.float32)
    drawn = initial.variables(
        network, keys.named(key, "generator"), (image, image), image,
        normal=lambda name, shape: jnp.zeros(shape), method=network.reconstruct,
    )
    params = drawn["params"]
    if config.open_noise_255:
        params = lud_opening.open_content(network, params, config.open_noise_255 / 255)
    return {"generator": {"params": params, "statistics": {}}}


def group(config: Config, batch: Mapping[str, Mapping[str, Array]], key: Array) -> Rows:
    """A batch of 8-bit images as float32 rows, noise added and statistics matched.

    Raises:
        ValueError: the batch's domains are not ``source`` and ``target``.
    """
    if set(batch) != {"source", "target"}:
        raise ValueError(
            "batch: LUD-VAE learns from the domains source and target, and from no others, got "
            f"{sorted(batch)}; see config.data.rows"
        )
    x = pixels.to_float(batch["source"]["clean"])
    y = pixels.to_float(batch["target"]["noisy"])
    noise = keys.named(key, "pre_noise")
    hx, hy = _noised(config, "source", x, noise), _noised(config, "target", y, noise)
    matched = matching.matched(config.match_255, y)
    return Rows(x, hx, matched, hy, math.gcd(x.shape[0], y.shape[0]))


def _noised(config, domain, image, key):
    """h(v) of a domain's images, as in training."""
    std = {"source": config.clean_noise_255, "target": config.noisy_noise_255}[domain] / 255
    noised = image + std * gaussian.draws(key)(domain, image.shape)
    return noised if domain == "source" else matching.matched(config.match_255, noised)


def terms(
    network: lud_vae.LUDVAE, params: Any, rows: Rows, normal: gaussian.Normal
) -> dict[str, Array]:
    """The objective's parts before weights.

    rec_x, rec_y: mean squared errors of the clean and the noisy rows; kl_zn: nats, summed over
    the latent's elements and divided by the image's, averaged over the noisy rows. A part without
    rows is left out.
    """
    given = (rows.hx, rows.hy), rows.y, normal, rows.shares
    rec = network.apply({"params": params}, *given, method=network.reconstruct)
    parts = {}
    if rows.x.shape[0]:
        parts["rec_x"] = jnp.mean(jnp.square(rec.x - rows.x))
    if rows.y.shape[0]:
        parts["rec_y"] = jnp.mean(jnp.square(rec.y - rows.y))
        parts["kl_zn"] = jnp.mean(rec.kl_zn) / math.prod(rows.y.shape[1:])
    return parts


def weights(config: Config, rows: Rows, step: Array | int) -> dict[str, Array | float]:
    """The weight of every part at this step; the first step is 1.

    Those of rec_x and rec_y make the mean over the rows of both domains.
    """
    clean = rows.x.shape[0] / (rows.x.shape[0] + rows.y.shape[0])
    anneal = jnp.minimum(step / max(config.kl_anneal_steps, 1), 1)
    return {"rec_x": clean, "rec_y": 1 - clean, "kl_zn": config.kl_weight * anneal}


def _check(config: Config) -> None:
    checks.at_least(config, {"width": 1, "kl_weight": 0, "kl_anneal_steps": 0} | dict.fromkeys(
        ("clean_noise_255", "noisy_noise_255", "restore_noise_255", "open_noise_255"), 0))
    if not 1 <= config.layers <= 5:
        raise ValueError(f"layers: expected 1 to 5, got {config.layers}")
    checks.compute_type(config)
    for name in ("sample_noise_255", "sample_temperature"):
        ends = getattr(config, name)
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1] < math.inf:
            raise ValueError(f"{name}: expected (lowest, highest), each >= 0, got {ends}")
    matching.check("match_255", config.match_255)

"""VDIR's objective before weights: the parts of the generator's, and the discriminator's.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them. Symbols: x clean, y degraded, c latent, T the degradation's parameters.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import vdir_rows
from senm_jax.nn import spectral, vdir
from senm_jax.ops import gaussian

Image = Float[Array, "_ _ _ _"]
Latent = Float[Array, "b h4 w4 k"]


class Parts(NamedTuple):
    """What a config builds."""

    network: vdir.VDIR
    decoder: vdir.Decoder
    estimator: vdir.Estimator | None
    discriminator: spectral.Discriminator | None


class Generated(NamedTuple):
    """What the networks make of y and one draw of c."""

    mean: Latent
    log_variance: Latent
    rec_x: Image
    rec_y: Image
    estimate: Image | None


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
    built: Parts, params: Any, rows: vdir_rows.Rows, discriminator: Mapping | None,
    normal: gaussian.Normal,
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

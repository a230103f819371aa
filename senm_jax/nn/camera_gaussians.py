"""One diagonal Gaussian for each camera configuration, over the channels of a latent.

All places of the latent's grid share it. D. Kim et al., "sRGB Real Noise Modeling via Noise-Aware
Sampling with Normalizing Flows", ICLR 2024, as released: the learnt deviation's square is the
variance, its sign is free. Log-likelihoods are in nats and sums over places and channels.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

FIRST_MEAN = 1e-6
FIRST_STD = 1.0


class Table(NamedTuple):
    """Mean and deviation of every configuration."""

    mean: Float[Array, "n c"]
    std: Float[Array, "n c"]


class Evidence(NamedTuple):
    """How well each configuration explains each latent."""

    log_likelihood: Float[Array, "b n"]
    log_odds: Float[Array, "b n"]
    """The same less a number for each row, exact to about 1e-3 nats where the likelihoods
    themselves, -3e5 for 256x256 pixels, are stored in steps of 0.03."""


def first(configurations: int, channels: int) -> dict[str, Float[Array, "n c"]]:
    """The fields of a `Table` before training."""
    shape = (configurations, channels)
    return {"mean": jnp.full(shape, FIRST_MEAN), "std": jnp.full(shape, FIRST_STD)}


def log_prob(
    z: Float[Array, "b h w c"], table: Table, configuration: Int[Array, "b"]
) -> Float[Array, "b"]:
    """Log-likelihood of each row under its own configuration; NaN where there is none such."""
    count = table.mean.shape[0]
    known = (configuration >= 0) & (configuration < count)
    own = jnp.clip(configuration, 0, count - 1)
    found = jnp.sum(_by_channel(z, table.mean[own][:, None], table.std[own][:, None]), (1, 2))
    return jnp.where(known, found, jnp.nan)


def judge(z: Float[Array, "b h w c"], table: Table) -> Evidence:
    """Log-likelihoods of each row under every configuration."""
    terms = _by_channel(z, table.mean, table.std)
    # Nearly all of a term is the same under every configuration: taken off before channels are
    # summed, it cannot round off what tells configurations apart.
    centred = terms - jnp.mean(terms, 1, keepdims=True)
    return Evidence(jnp.sum(terms, 2), jnp.sum(centred, 2))


def _by_channel(
    z: Float[Array, "b h w c"], mean: Float[Array, "*b n c"], std: Float[Array, "*b n c"]
) -> Float[Array, "b n c"]:
    """Log-likelihood of each channel, summed over places.

    By each row's mean and spread: sum (z - mean)^2 = spread + places (z_mean - mean)^2.
    """
    places = z.shape[1] * z.shape[2]
    z_mean = jnp.mean(z, (1, 2), keepdims=True)
    spread = jnp.sum(jnp.square(z - z_mean), (1, 2))[:, None]
    distance = spread + places * jnp.square(z_mean[:, 0] - mean)
    variance = jnp.square(std)
    return -0.5 * (places * (jnp.log(variance) + math.log(2 * math.pi)) + distance / variance)


class Form(NamedTuple):
    """How the configurations' share in a latent is found, and how their Gaussians are joined."""

    weights: Callable
    """(log odds [b, n], places of the grid) -> weights [b, n] that sum to 1"""
    deviation: Callable
    """(weights [b, n], deviations [n, c]) -> deviation [b, c]"""


def _average(weights: Float[Array, "b n"], values: Float[Array, "n c"]) -> Float[Array, "b c"]:
    return jnp.matmul(weights, values, precision=jax.lax.Precision.HIGHEST)


def _root_of_average(
    weights: Float[Array, "b n"], values: Float[Array, "n c"]
) -> Float[Array, "b c"]:
    return jnp.sqrt(_average(weights, jnp.square(values)))


FORMS = {
    "released": Form(lambda log_odds, places: jax.nn.softmax(log_odds / places), _average),
    "paper": Form(lambda log_odds, places: jax.nn.softmax(log_odds), _root_of_average),
}
"""``released``, as the code has it: shares by the mean log-likelihood of a place, which leaves
several configurations in; deviations are averaged. ``paper``: shares by the likelihood, nearly
always one configuration alone; variances are averaged."""


def mixed(
    weights: Float[Array, "b n"], table: Table, form: Form
) -> tuple[Float[Array, "b c"], Float[Array, "b c"]]:
    """Mean and deviation of the one Gaussian that stands for configurations by ``weights``."""
    return _average(weights, table.mean), form.deviation(weights, table.std)

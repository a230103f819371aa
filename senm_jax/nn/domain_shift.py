"""Gaussian densities of two domains over the channels of a latent, and the way between them.

V. Wolf et al., "DeFlow: Learning Complex Image Degradations from Unpaired Data with Conditional
Flows", CVPR 2021, section 3. A latent of a clean image is ``z ~ N(0, I)`` at every place; that of a
degraded one is such a latent and an independent shift, ``z + u`` with ``u ~ N(mean, M M^T)``.
Log-likelihoods are in nats and sums over places and channels.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.ops import keys

Latent = Float[Array, "b h w c"]

EXACT = jax.lax.Precision.HIGHEST


class Shift(NamedTuple):
    """The distribution of u; all places of the latent's grid share it."""

    mean: Float[Array, "c"]
    root: Float[Array, "c c"]
    """M, any matrix."""


def first(key: Array, channels: int, std: float) -> dict[str, Array]:
    """The fields of a `Shift` before training: no mean, and M normal with deviation ``std``."""
    root = std * jax.random.normal(keys.named(key, "root"), (channels, channels))
    return {"mean": jnp.zeros(channels), "root": root}


def log_prob_clean(z: Latent) -> Float[Array, "b"]:
    """Log-likelihood of each row under N(0, I)."""
    return -0.5 * jnp.sum(jnp.square(z) + math.log(2 * math.pi), (1, 2, 3))


def log_prob_degraded(z: Latent, shift: Shift) -> Float[Array, "b"]:
    """Log-likelihood of each row under N(mean, I + M M^T)."""
    covariance = jnp.matmul(shift.root, shift.root.T, precision=EXACT) + jnp.eye(z.shape[-1])
    factor = jnp.linalg.cholesky(covariance)
    whitener = jax.scipy.linalg.solve_triangular(factor, jnp.eye(z.shape[-1]), lower=True)
    white = _multiply(whitener, z - shift.mean)
    places = z.shape[1] * z.shape[2]
    return log_prob_clean(white) - places * jnp.sum(jnp.log(jnp.diagonal(factor)))


def degraded(z: Latent, shift: Shift, eta: Latent) -> Latent:
    """A degraded image's latent, of a clean one's: ``z + mean + M eta``, eta standard normal."""
    return z + shift.mean + _multiply(shift.root, eta)


def restored(z: Latent, shift: Shift, eta: Latent) -> Latent:
    """A clean image's latent, of a degraded one's: drawn from the posterior.

    With S = M M^T that is N((I + S)^-1 (z - mean), S (I + S)^-1). The covariance's symmetric root
    is taken, so that a draw does not hang on the singular vectors' signs.
    """
    axes, s, _ = jnp.linalg.svd(shift.root)

    def spread(values):
        return jnp.matmul(axes * values, axes.T, precision=EXACT)

    mean = _multiply(spread(1 / (1 + s**2)), z - shift.mean)
    return mean + _multiply(spread(s / jnp.sqrt(1 + s**2)), eta)


def _multiply(matrix: Float[Array, "c c"], z: Latent) -> Latent:
    return jnp.einsum("bhwi,oi->bhwo", z, matrix, precision=EXACT)

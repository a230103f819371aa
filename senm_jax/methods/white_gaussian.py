"""White Gaussian noise: the baseline noise model, with nothing to learn."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks
from senm_jax.ops import gaussian


@dataclasses.dataclass(frozen=True)
class Config:
    """The level of the noise, and whether clipping may weaken it."""

    level: float = 0.05
    """The level where none is asked for, a standard deviation on the [0, 1] scale."""
    correct_level: bool = False
    """Whether generation makes up for what clipping to [0, 1] takes of the noise's strength
    (`inference.strength`), as SeNM-VAE's may: of equal levels the two are then equally strong."""


def make(config: Config) -> base.Method:
    """``noisy = clean + level * normal``, independent in every pixel and channel; no players.

    Raises:
        ValueError: a negative level.
    """
    checks.at_least(config, {"level": 0})

    def init(key, batch):
        return {}

    def loss(player, params, context):
        raise ValueError(f"white Gaussian noise has no players, got {player!r}")

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        level = conditions["level"][:, None, None, None]
        return clean + level * normal("noise", clean.shape)

    def imitate(variables, clean, noisy):
        if clean is None:
            return {"level": blind_level(noisy)}
        return {"level": jnp.std(noisy - clean, axis=(1, 2, 3), ddof=1)}

    return base.Method(
        (), init, loss, sample=sample, imitate=imitate, conditions={"level": config.level},
        strength="level" if config.correct_level else None,
        sample_reach=base.Reach(multiple=1, radius=0),
    )


def blind_level(noisy: Float[Array, "b h w c"]) -> Float[Array, "b"]:
    """Standard deviation of each row's noise, taken to be white, from the noisy image alone.

    sqrt(pi / 2) / 6 times the mean absolute response to the kernel [1 -2 1; -2 4 -2; 1 -2 1],
    whose response to anything linear is 0 and to unit white noise has the deviation 6.
    J. Immerkaer, "Fast Noise Variance Estimation", CVIU 1996. Texture adds to it; correlation
    between neighbours takes from it.

    Raises:
        ValueError: an image of fewer than 3 rows or columns.
    """
    if min(noisy.shape[1:3]) < 3:
        raise ValueError(
            f"estimating a level needs images of at least 3x3 pixels, got {noisy.shape[1:3]}"
        )
    response = _second_difference(_second_difference(noisy, 1), 2)
    return math.sqrt(math.pi / 2) / 6 * jnp.mean(jnp.abs(response), axis=(1, 2, 3))


def _second_difference(x: jax.Array, axis: int) -> jax.Array:
    return jnp.diff(x, 2, axis)

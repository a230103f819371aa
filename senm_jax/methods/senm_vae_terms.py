"""The parts of SeNM-VAE's objective, before weights, of a batch grouped by domain.

D. Zheng et al., "SeNM-VAE: Semi-Supervised Noise Modeling with Hierarchical Variational
Autoencoder", CVPR 2024, as its released code computes them.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from senm_jax.methods import objectives
from senm_jax.nn import ladder, level_predictor, senm_vae
from senm_jax.ops import arrays, gaussian, pixels

Image = Float[Array, "_ _ _ 3"]


class Rows(NamedTuple):
    """A batch's images as the network takes them."""

    x: tuple[Image, Image]
    """Clean: source rows and paired rows."""
    y: tuple[Image, Image]
    """Noisy: paired rows and target rows."""
    shares: int
    """See `arrays.join`: the largest number that divides every domain's row count."""
    level: Float[Array, "p"] | None = None
    """Of the paired rows; None takes each crop's own."""


def group(batch: Mapping[str, Mapping[str, Array]], patch_level: bool = False) -> Rows:
    """A batch of 8-bit images as float32 rows in [0, 1]; an absent domain gives no rows.

    With ``patch_level`` a pair's level is that of its whole patch.

    Raises:
        ValueError: the batch holds none of the domains.
    """
    images = {(d, side): pixels.to_float(batch[d][side]) for d in batch for side in _SIDES[d]}
    if not images:
        raise ValueError(f"batch: expected some of {sorted(_SIDES)}, got {sorted(batch)}")
    none = next(iter(images.values()))[:0]
    x = images.get(("source", "clean"), none), images.get(("paired", "clean"), none)
    y = images.get(("paired", "noisy"), none), images.get(("target", "noisy"), none)
    counts = [a.shape[0] for a in (*x, *y)]
    level = batch["paired"]["level"] if patch_level and "paired" in batch else None
    return Rows(x, y, math.gcd(*counts), level)


_SIDES = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}


def terms(
    network: senm_vae.SeNMVAE,
    predictor: level_predictor.LevelPredictor,
    params: Any,
    rows: Rows,
    from_clean: Bool[Array, "two_p"],
    normal: gaussian.Normal,
) -> tuple[dict[str, Array], Image, Image]:
    """The objective's parts before weights, the noisy images and their reconstructions.

    rec_x, rec_y: mean squared errors over the rows that have x, and y; kl_zn, kl_z: nats per
    latent element, summed over levels, averaged over the rows with y (each as the network's
    ``level_unit`` makes it count), and the pairs; level: mean |sigma - sigma_hat| over the pairs.
    A part without rows is left out.
    """
    paired, target = rows.y[0].shape[0], rows.y[1].shape[0]
    x, y = arrays.join(rows.x, rows.shares), arrays.join(rows.y, rows.shares)
    sigma = objectives.std(rows.y[0] - rows.x[1]) if rows.level is None else rows.level
    sigma_hat = predictor.apply({"params": params["level_predictor"]}, y)
    predicted = arrays.part(sigma_hat, 0, paired, rows.shares)
    guessed = arrays.part(sigma_hat, paired, paired + target, rows.shares)
    level = arrays.join([sigma, guessed], rows.shares)
    rec = network.apply(
        {"params": params["translator"]},
        rows.x,
        rows.y,
        level,
        from_clean,
        normal,
        rows.shares,
        method=network.reconstruct,
    )
    parts = {}
    if x.shape[0]:
        parts["rec_x"] = jnp.mean(jnp.square(rec.x - x))
    if y.shape[0]:
        parts["rec_y"] = jnp.mean(jnp.square(rec.y - y))
        parts["kl_zn"] = jnp.mean(rec.kl_zn * _counts(network, level))
    if paired:
        parts["kl_z"] = jnp.mean(jnp.sum(rec.kl_z, 0))
        parts["level"] = jnp.mean(jnp.abs(sigma - predicted))
    return parts, y, rec.y


def _counts(network, level):
    """What KL(zn) counts in each row: by the rule that a Gaussian decoder's variance multiplies
    its weight, taken row by row."""
    unit = network.level_unit
    return jnp.square(ladder.at_least(jax.lax.stop_gradient(level)) / unit) if unit else 1.0

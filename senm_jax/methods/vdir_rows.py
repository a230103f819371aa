"""VDIR's batches as its networks see them: whose rows, which channels, and what is estimated.

J. W. Soh, N. I. Cho, "Variational Deep Image Restoration", IEEE TIP 2022; details as the released
code has them. Symbols: x clean, y degraded, T the degradation's parameters.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.ops import colour, pixels

Image = Float[Array, "_ _ _ _"]


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


class Rows(NamedTuple):
    """One player's share of a batch, as the networks take it."""

    x: Image
    y: Image
    """Not clipped."""
    target: Float[Array, "b k"] | None
    """f(T); None without an estimator."""


def group(
    config: Any, scale: int, batch: Mapping[str, Mapping[str, Array]], half: int | None
) -> Rows:
    """The pairs of a batch in [0, 1]: every second one, from ``half`` (0 or 1) on, or all.

    ``config`` is the method's, ``scale`` a clean crop's side over its noisy one's.

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
    sides = y.shape[1:3]
    if any(side % 4 for side in sides) or x.shape[1:3] != tuple(scale * s for s in sides):
        raise ValueError(
            f"batch: expected noisy crops whose sides are multiples of 4 and clean ones {scale} "
            f"times as large, got {tuple(sides)} and {tuple(x.shape[1:3])}; see config.data"
        )
    return Rows(*(seen(config.channels, pixels.to_float(image)) for image in (x, y)), target)


def _share(rows: Array, half: int | None) -> Array:
    """Every second row; where each device has an even number of them, none moves."""
    return rows if half is None else rows.reshape(-1, 2, *rows.shape[1:])[:, half]


def seen(channels: int, image: Image) -> Image:
    """The ``channels`` that the networks see."""
    return image if image.shape[-1] == channels else _luma(image)


def shown(channels: int, noisy: Image, restored: Image) -> Image:
    """The restored image in the channels of ``noisy``: with the luma alone, its change is added to
    all of them, which leaves the chroma as it was."""
    if noisy.shape[-1] == channels:
        return restored
    return noisy + (restored - _luma(noisy))


def _luma(image: Image) -> Float[Array, "b h w 1"]:
    """Y of BT.601 with black at 0 and white at 1; that of a grey image is its grey."""
    weights = jnp.asarray(colour.LUMA / colour.LUMA.sum(), image.dtype)
    return jnp.sum(image * weights, -1, keepdims=True)

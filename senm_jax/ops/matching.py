"""Colour statistics of one domain's images carried over to another's, and back."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

Image = Float[Array, "_ _ _ 3"]
Statistics = Mapping[str, tuple[float, ...]]
"""Each of `NAMES`, for R, G and B in 8-bit units; empty where nothing is to be changed."""

NAMES = ("noisy_mean", "noisy_std", "clean_mean", "clean_std")


def matched(statistics: Statistics, noisy: Image) -> Image:
    """Noisy images in [0, 1] with the clean images' statistics, clipped to [0, 1].

    As they are where ``statistics`` is empty.
    """
    return jnp.clip(_moved(statistics, noisy, "noisy", "clean"), 0, 1) if statistics else noisy


def unmatched(statistics: Statistics, noisy: Image) -> Image:
    """The inverse of `matched`, but for its clipping."""
    return _moved(statistics, noisy, "clean", "noisy") if statistics else noisy


def check(field: str, statistics: Statistics) -> None:
    """Refuses what is no `Statistics`.

    Raises:
        ValueError: names are missing or unknown, a colour is not three values, or a deviation is
            not above 0; ``field`` is the name it is called by.
    """
    if statistics and set(statistics) != set(NAMES):
        raise ValueError(f"{field}: expected {NAMES} or nothing, got {sorted(statistics)}")
    for name, colour in statistics.items():
        if len(colour) != 3 or (name.endswith("std") and not min(colour) > 0):
            raise ValueError(
                f"{field}.{name}: expected three values, deviations above 0, got {colour}"
            )


def _moved(statistics, image, before, after):
    mean, std, new_mean, new_std = (
        jnp.array(statistics[f"{domain}_{name}"]) / 255
        for domain in (before, after) for name in ("mean", "std")
    )
    return (image - mean) / std * new_std + new_mean

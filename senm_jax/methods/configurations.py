"""What methods have in common that tell camera configurations apart: their pairs, tables, bits."""

import math
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.ops import pixels

Image = Float[Array, "b h w 3"]

LEVELS = 256
"""A dequantised image is spread over a cell of this fraction of the range around its 8-bit values.
"""


def check(names: Sequence[str]) -> None:
    """Raises ValueError unless ``names`` are one or more, each once and no other condition's."""
    if not names or len(set(names)) < len(names) or "temperature" in names:
        raise ValueError(
            "configurations: expected one or more camera configurations, each once, got "
            f"{names}; a run that is trained takes those of its stores where there is none"
        )


def pair(batch: Mapping, method: str) -> tuple[Image, Image, Array]:
    """Clean and noisy images in [0, 1] and the rows' configurations; ``method`` is who asks.

    Raises:
        ValueError: the batch has no pairs, or they are not tagged.
    """
    found = batch.get("paired", {})
    if not {"clean", "noisy", "configuration"} <= set(found):
        raise ValueError(
            f"batch: {method} learns from pairs tagged with their camera configuration; expected "
            f"'paired' with clean, noisy and configuration, got {sorted(found) or sorted(batch)}"
        )
    return pixels.to_float(found["clean"]), pixels.to_float(found["noisy"]), found["configuration"]


def weights(
    conditions: Mapping[str, Float[Array, "b"]], names: Sequence[str]
) -> Float[Array, "b n"]:
    """The conditions of these names over their sum; even ones for a row that has none."""
    given = jnp.stack([conditions[name] for name in names], -1)
    total = jnp.sum(given, 1, keepdims=True)
    even = jnp.full_like(given, 1 / len(names))
    return jnp.where(total > 0, given / jnp.where(total > 0, total, 1), even)


def bits(log_density: Float[Array, "..."], image: Image) -> Float[Array, "..."]:
    """Bits per pixel and channel of 8-bit images whose dequantised version has this density."""
    return math.log2(LEVELS) - log_density / (math.log(2) * math.prod(image.shape[1:]))

"""What the configs and batches of several methods are refused for, by the field."""

import math
from collections.abc import Mapping
from typing import Any


def at_least(config: Any, least: Mapping[str, int]) -> None:
    """Raises ValueError: a field of ``config`` is below its least number here, or not finite.

    Fields that it has not are passed over, so that variants of a method share one table.
    """
    for name, lowest in least.items():
        value = getattr(config, name, lowest)
        if not lowest <= value < math.inf:
            raise ValueError(f"{name}: expected {lowest} or more, got {value}")


def compute_type(config: Any, known: tuple[str, ...] = ("float32", "bfloat16")) -> None:
    """Raises ValueError: its ``dtype`` is not one of ``known``."""
    if config.dtype not in known:
        raise ValueError(
            f"dtype: expected {', '.join(known[:-1])} or {known[-1]}, got {config.dtype!r}"
        )


def power_of_two(name: str, value: int) -> None:
    """Raises ValueError: the field ``name`` is none."""
    if value < 1 or value & (value - 1):
        raise ValueError(f"{name}: expected a power of 2, got {value}")


def pairs(method: str, batch: Mapping[str, Any]) -> Any:
    """The batch's pairs, which ``method`` learns from.

    Raises:
        ValueError: it has none.
    """
    if "paired" not in batch:
        raise ValueError(
            f"batch: {method} learns from the domain paired, got {sorted(batch)}; "
            "see config.data.rows"
        )
    return batch["paired"]


def senm_vae(config: Any) -> None:
    """Refuses a config of either SeNM-VAE whose networks cannot be built.

    Raises:
        ValueError: the field, what it must be, what it is.
    """
    if config.width % 4 or config.width <= 0:
        raise ValueError(f"width: expected a positive multiple of 4, got {config.width}")
    if not config.levels or min(config.levels) < 1:
        raise ValueError(f"levels: expected one or more positive counts, got {config.levels}")
    compute_type(config)
    at_least(config, _SENM_VAE)
    if not 0 <= getattr(config, "from_clean", 0) <= 1:
        raise ValueError(f"from_clean: expected a probability, got {config.from_clean}")


_SENM_VAE = {
    "growth": 1, "degradation_channels": 1, "downs": 0, "level_unit": 0, "predictor_width": 1,
    "discriminator_width": 1, "kl_weight": 0, "kl_z_ratio": 0, "kl_anneal_steps": 0,
    "level_weight": 0, "lpips_weight": 0, "gan_weight": 0,
}
"""Least numbers of the fields that a variant has."""

"""What the configs of several methods are refused for, by the field."""

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

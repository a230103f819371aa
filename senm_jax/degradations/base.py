"""A degradation as pure functions, and the draws that several of them share."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def _as_it_is(clean):
    return clean


class Degradation(NamedTuple):
    """How one kind of degradation, with its parameters' ranges, makes noisy images of clean ones.

    ``draw(key) -> parameters`` of one image: arrays, or an empty dict.
    ``degrade(key, clean, parameters) -> noisy``: float32 [h, w, 3] in [0, 1] to float32
    [h / scale, w / scale, 3], neither clipped nor rounded unless the degradation itself does so.
    ``tell(parameters) -> float32 [k]``: what a network that estimates the degradation is to find.
    ``target(clean) -> clean``: what is to be restored, where that is not the clean image itself.

    All can be compiled and mapped over a batch, but for `degrade` where ``on_host`` is true.
    """

    draw: Callable[[jax.Array], Any]
    degrade: Callable[[jax.Array, Any, Any], Any]
    tell: Callable[[Any], Any] = lambda parameters: jnp.zeros(0)
    scale: int = 1
    """Clean size over noisy; clean images are multiples of it."""
    target: Callable[[Any], Any] = _as_it_is
    on_host: bool = False
    """Whether `degrade` and `target` need NumPy arrays: a codec, or NumPy's generator."""


def uniform(key: Key[Array, ""], limits: Sequence[float], shape=()) -> Float[Array, "..."]:
    """Draws between the lowest and the highest of ``limits``; of one number, that number."""
    low, high = limits[0], limits[-1]
    return low + (high - low) * jax.random.uniform(key, shape)

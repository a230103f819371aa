"""What sampling costs: the parameters that it reads, and how quickly it goes."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

PIXELS = 256 * 256
"""Of an image, where images per second are counted."""


class Clock:
    """The time that sampling took: ``seconds`` for ``pixels``."""

    def __init__(self):
        self.seconds, self.pixels = 0.0, 0

    def time(self, sample: Callable[[], list]) -> list:
        """What ``sample`` gives: images as arrays; the first call is made twice, once to compile.
        """
        if not self.pixels:
            sample()
        began = time.perf_counter()
        images = sample()
        self.seconds += time.perf_counter() - began
        self.pixels += sum(image.shape[0] * image.shape[1] for image in images)
        return images

    @property
    def images_per_second(self) -> float:
        """Images of `PIXELS`."""
        return self.pixels / PIXELS / self.seconds


def parameters(run) -> dict[str, int]:
    """``parameters_used``, those that a sampled image depends on, and ``parameters``, of all
    players, as numbers of their entries."""
    method, leaves = run.method, {}
    for player, entry in run.variables.items():
        leaves[player] = entry["params"]
    flat, tree = jax.tree.flatten(leaves)
    used = _used(lambda flat: _sample(method, run.variables, tree.unflatten(flat)), flat)
    return {
        "parameters_used": sum(leaf.size for leaf, read in zip(flat, used, strict=True) if read),
        "parameters": sum(leaf.size for leaf in flat),
    }


def _sample(method, variables, params) -> Any:
    """A sample under the method's defaults, of the smallest image that will surely do."""
    side = 8 * (method.sample_reach.multiple if method.sample_reach else 8)
    variables = {player: {**entry, "params": params[player]}
                 for player, entry in variables.items()}
    conditions = {name: jnp.full(1, value) for name, value in method.conditions.items()}
    clean, keys = jnp.zeros((1, side, side, 3)), jax.random.split(jax.random.key(0), 1)
    return method.sample(variables, clean, keys, conditions, jnp.zeros((1, 2), jnp.int32))


def _used(function: Callable, arguments: list) -> list[bool]:
    """Whether the function's result depends on each of its arguments, by its trace."""
    trace = jax.make_jaxpr(function)(arguments).jaxpr
    needed = {id(variable) for variable in trace.outvars}
    for step in reversed(trace.eqns):
        if any(id(variable) in needed for variable in step.outvars):
            needed |= {id(variable) for variable in step.invars}
    return [id(variable) in needed for variable in trace.invars]

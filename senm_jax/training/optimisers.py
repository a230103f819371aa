"""Optimisers and learning rates, driven by the step number; the guard that skips updates."""

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from senm_jax.training import settings as settings_


class Guarded(NamedTuple):
    """State of `guard`: the inner state, untouched by skipped updates, and how many there were."""

    inner: Any
    skipped: jax.Array


class Optimiser(NamedTuple):
    """How one player's parameters move."""

    init: Callable
    """(params) -> state"""
    update: Callable
    """(gradients, state, params, step=number of this step, loss=its value) -> (params, state)"""
    rate: Callable
    """(number of a step) -> its learning rate, float32"""


def make(config: settings_.Optimiser, steps: int) -> Optimiser:
    """One player's optimiser in a run of ``steps`` steps."""
    rate = functools.partial(learning_rate, config, steps)
    parts = [optax.scale_by_adam(config.b1, config.b2, config.eps), scale_by_rate(rate)]
    if config.weight_decay:
        parts.insert(1, optax.add_decayed_weights(config.weight_decay))
    if config.clip_norm:
        parts.insert(0, optax.clip_by_global_norm(config.clip_norm))
    adam = of(optax.chain(*parts), rate)
    if config.skip_above or config.skip_not_finite:
        above = config.skip_above or math.inf
        return guard(adam, above, config.skip_norm_of, finite=bool(config.skip_not_finite))
    return adam


def of(transformation: optax.GradientTransformation, rate: Callable) -> Optimiser:
    """The optimiser that adds what one of optax's makes of the gradients; ``rate`` is shown."""
    made = optax.with_extra_args_support(transformation)

    def update(gradients, state, params, **given):
        updates, state = made.update(gradients, state, params, **given)
        return optax.apply_updates(params, updates), state

    return Optimiser(made.init, update, rate)


def make_all(configs: Mapping[str, settings_.Optimiser], steps: int) -> dict[str, Optimiser]:
    """`make` for each player."""
    return {player: make(config, steps) for player, config in configs.items()}


def learning_rate(
    config: settings_.Optimiser, steps: int, step: jax.Array | int
) -> jax.Array:
    """The rate of step number ``step`` (the first is 1) of ``steps``.

    A change "at n" shows first in step n + 1: the papers step their schedulers after the update.
    Steps whose update is skipped count. The cosine starts at the full rate in step 1.
    """
    step = jnp.asarray(step, jnp.int32)
    rate = jnp.float32(config.learning_rate)
    if config.schedule == "cosine":
        turn = jnp.pi * (step - 1) / max(steps, 1)
        rate = config.final + (rate - config.final) * (1 + jnp.cos(turn)) / 2
    passed = sum((jnp.int32(step > n) for n in config.halve_at), jnp.int32(0))
    rate = jnp.maximum(rate * jnp.float32(config.decay) ** passed, config.final)
    return rate * jnp.minimum(1, step / config.warmup) if config.warmup else rate


def scale_by_rate(rate: Callable) -> optax.GradientTransformationExtraArgs:
    """Multiplies updates by minus the learning rate of the step."""

    def update(updates, state, params=None, *, step, **_):
        factor = -rate(step)
        return jax.tree.map(lambda u: factor * u, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def guard(inner: Optimiser, above: float, norm_of: str, finite: bool = False) -> Optimiser:
    """``inner``, skipped whole unless the norm of the gradients at ``norm_of`` is below ``above``.

    A skipped update changes neither parameters nor the inner state, and is counted. A NaN norm is
    not below anything, so it skips. With ``finite`` so does a loss or a gradient anywhere that is
    not finite.

    Raises (at init):
        ValueError: no parameter path matches ``norm_of``.
    """

    def init(params):
        if not _matching(params, norm_of):
            raise ValueError(
                f"skip_norm_of: {norm_of!r} matches no parameter; paths look like "
                f"{[path for path, _ in _paths(params)][:3]}"
            )
        return Guarded(inner.init(params), jnp.int32(0))

    def update(gradients, state, params, *, step, loss=0.0):
        fine = optax.tree.norm(_matching(gradients, norm_of)) < above
        if finite:
            fine &= jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradients))
        moved, kept = jax.lax.cond(
            fine,
            lambda: inner.update(gradients, state.inner, params, step=step, loss=loss),
            lambda: (params, state.inner),
        )
        return moved, Guarded(kept, state.skipped + jnp.int32(~fine))

    return Optimiser(init, update, inner.rate)


def _paths(tree) -> list[tuple[str, jax.Array]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]


def _matching(tree, pattern: str) -> list[jax.Array]:
    return [leaf for path, leaf in _paths(tree) if re.search(pattern, path)]

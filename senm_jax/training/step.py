"""The one train step of every method."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from senm_jax.methods import base
from senm_jax.ops import keys
from senm_jax.training import optimisers as optimisers_
from senm_jax.training import state as state_

Metrics = OrderedDict


def make_step(
    method: base.Method, optimisers: Mapping[str, optimisers_.Optimiser], seed: int
) -> Callable[[state_.TrainState, Mapping], tuple[state_.TrainState, Metrics]]:
    """A pure function (state, batch) -> (state, metrics): one update of each player in order.

    Each player's loss is differentiated by that player's parameters alone. Later players see what
    earlier ones became and what they handed on. A skipped update leaves statistics too as they
    were. Randomness is a function of (seed, step, player).

    Metrics are float32 or int32 scalars named "player/term": the loss's terms in their order, then
    ``loss``, ``grad_norm``, ``learning_rate`` and, under a guard, ``skipped`` (updates so far).
    """
    def step(state, batch):
        number = state.step + 1
        step_key = jax.random.fold_in(jax.random.key(seed), number)
        variables, opt_state, handed = state.variables, dict(state.opt_state), {}
        metrics = Metrics()
        for player in method.players:
            key = keys.named(step_key, player)
            context = base.Context(dict(variables), batch, key, number, dict(handed))
            params = variables[player]["params"]
            (loss, outcome), gradients = _differentiate(method, player, params, context)
            moved, after = optimisers[player].update(
                gradients, opt_state[player], params, step=number, loss=loss
            )
            variables[player] = {**variables[player], "params": moved}
            for other, statistics in {player: outcome.statistics, **outcome.moved}.items():
                before = variables[other]["statistics"]
                _check_statistics(other, statistics, before)
                kept = _unless_skipped(opt_state[player], after, before, statistics)
                variables[other] = {**variables[other], "statistics": kept}
            opt_state[player] = after
            handed |= outcome.handed
            own = Metrics(outcome.metrics)
            own["loss"] = loss
            own["grad_norm"] = optax.tree.norm(gradients)
            own["learning_rate"] = optimisers[player].rate(number)
            if isinstance(opt_state[player], optimisers_.Guarded):
                own["skipped"] = opt_state[player].skipped
            metrics.update((f"{player}/{name}", value) for name, value in own.items())
        return state_.TrainState(
            step=number,
            params={player: entry["params"] for player, entry in variables.items()},
            statistics={player: entry["statistics"] for player, entry in variables.items()},
            opt_state=opt_state,
        ), metrics

    return step


def _differentiate(method: base.Method, player: str, params, context: base.Context):
    """((loss, outcome), gradients); the metrics keep the order in which the loss made them."""

    def loss_of(params):
        loss, outcome = method.loss(player, params, context)
        return loss, outcome._replace(metrics=OrderedDict(outcome.metrics))

    return jax.value_and_grad(loss_of, has_aux=True)(params)


def _unless_skipped(before: Any, after: Any, old: Any, new: Any) -> Any:
    """``new``, or ``old`` where the optimiser's states say that the update was skipped."""
    if not isinstance(after, optimisers_.Guarded):
        return new
    skipped = after.skipped > before.skipped
    return jax.tree.map(lambda a, b: jnp.where(skipped, a, b), old, new)


def _check_statistics(player: str, got, expected) -> None:
    if jax.tree.structure(got) != jax.tree.structure(expected):
        raise ValueError(
            f"{player}: the loss must return the statistics that init made, "
            f"{jax.tree.structure(expected)}, got {jax.tree.structure(got)}"
        )

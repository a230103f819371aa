"""Training that starts from what another run has learnt."""

import logging
from collections.abc import Mapping
from typing import Any

import jax

from senm_jax.training import runs
from senm_jax.training import state as state_

log = logging.getLogger(__name__)


def read(path: str, abstract: state_.TrainState) -> dict[str, Mapping[str, Any]]:
    """The variables in a run's folder of the players that ``abstract`` has too.

    Raises:
        ValueError: the folder is no run, has none of the players, or one of another shape.
    """
    run = runs.open(path)
    taken = {player: run.variables[player]
             for player in abstract.variables if player in run.variables}
    if not taken:
        raise ValueError(
            f"config.start: {path}: expected a run with one of the players "
            f"{sorted(abstract.params)}, got {sorted(run.variables)}"
        )
    for player, variables in taken.items():
        _check(path, player, variables, abstract.variables[player])
    fresh = sorted(set(abstract.params) - set(taken))
    log.info("starting %s from %s after %d steps%s", ", ".join(taken), path, run.step,
             f"; {', '.join(fresh)} afresh" if fresh else "")
    return taken


def apply(state: state_.TrainState, taken: Mapping[str, Mapping[str, Any]]) -> state_.TrainState:
    """The state before the first step, with these players' parameters and statistics."""

    def placed(part: str) -> dict[str, Any]:
        own = getattr(state, part)
        return {player: jax.tree.map(lambda new, old: jax.device_put(new, old.sharding),
                                     taken[player][part], own[player])
                if player in taken else own[player] for player in own}

    return state.replace(params=placed("params"), statistics=placed("statistics"))


def _check(path: str, player: str, given: Mapping, wanted: Mapping) -> None:
    shapes = [
        {jax.tree_util.keystr(place, simple=True, separator="/"): leaf.shape
         for place, leaf in jax.tree_util.tree_leaves_with_path(tree)} for tree in (given, wanted)
    ]
    for name in sorted(shapes[0].keys() | shapes[1].keys()):
        got, expected = (each.get(name, "nothing") for each in shapes)
        if got != expected:
            raise ValueError(
                f"config.start: {path}: {player}: {name}: expected {expected}, got {got}; the "
                "network's sizes in config.hyper must be those of that run"
            )

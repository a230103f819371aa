"""The whole of a run that training changes."""

from collections.abc import Mapping
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from senm_jax.methods import base
from senm_jax.ops import keys
from senm_jax.training import optimisers as optimisers_


@flax.struct.dataclass
class TrainState:
    """Parameters, statistics and optimiser state by player after ``step`` steps."""

    step: Any
    """Number of finished steps, an int32 scalar; in an abstract state, its shape."""
    params: dict[str, Any]
    statistics: dict[str, Any]
    opt_state: dict[str, Any]

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """``{player: {"params", "statistics"}}``, as methods take it."""
        return {player: {"params": self.params[player], "statistics": self.statistics[player]}
                for player in self.params}


def create(
    method: base.Method,
    optimisers: Mapping[str, optimisers_.Optimiser],
    seed: int,
    batch: Mapping | None,
) -> TrainState:
    """The state before the first step; ``batch`` is the first one, for what init reads off data."""
    return begin(method.init(keys.named(jax.random.key(seed), "init"), batch), optimisers)


def begin(
    variables: base.Variables, optimisers: Mapping[str, optimisers_.Optimiser]
) -> TrainState:
    """The state before the first step of training that begins at these variables."""
    params = {player: entry["params"] for player, entry in variables.items()}
    return TrainState(
        step=jnp.int32(0),
        params=params,
        statistics={player: entry["statistics"] for player, entry in variables.items()},
        opt_state={player: each.init(params[player]) for player, each in optimisers.items()},
    )

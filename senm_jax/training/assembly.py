"""The parts of a run put together: method, optimisers, mesh and the step, ready to compile."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax

from senm_jax.methods import base
from senm_jax.training import mesh as mesh_
from senm_jax.training import optimisers as optimisers_
from senm_jax.training import platform
from senm_jax.training import settings as settings_
from senm_jax.training import state as state_
from senm_jax.training import step as step_


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be trained and how, for batches of one shape; nothing is compiled yet."""

    settings: settings_.Settings
    method: base.Method
    optimisers: Mapping[str, optimisers_.Optimiser]
    mesh: jax.sharding.Mesh
    abstract: state_.TrainState
    """Shapes, types and shardings of the train state."""
    abstract_batch: Mapping
    """The same of the whole batch, of all processes."""
    traced: Any
    """The step (state, batch) -> (state, metrics) as jit traced it; the state is donated."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the step's metrics in their order."""
        return tuple(self.traced.out_info[1])

    def fresh(self, batch: Mapping) -> state_.TrainState:
        """The state before the first step, placed on the mesh; ``batch``: the whole first one."""
        state = state_.create(self.method, self.optimisers, self.settings.seed, batch)
        return jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, self.abstract))

    def compile(self) -> Any:
        """The compiled step, for a state as `fresh` and batches as `put` makes them."""
        compiled = self.traced.lower().compile()
        on_cpu = jax.default_backend() == "cpu"  # else the block is not of the host's memory
        platform.make_room(compiled.memory_analysis().temp_size_in_bytes if on_cpu else 0)
        return compiled

    def put(self, batch: Mapping) -> Any:
        """This process's rows of a batch on the devices."""
        return mesh_.put(self.mesh, batch)


def assemble(settings: settings_.Settings, batch: Mapping) -> Job:
    """The job of these settings; ``batch``, of all processes, shows what batches are like.

    Raises:
        ValueError: the method refuses its hyperparameters, or rows do not fit the devices.
    """
    method = settings_.make_method(settings)
    optimisers = optimisers_.make_all(settings.optimisers, settings.steps)
    mesh = mesh_.make(settings.mesh, settings.data.rows)
    abstract = jax.eval_shape(
        lambda batch: state_.create(method, optimisers, settings.seed, batch), batch
    )
    placed, rows = mesh_.place(mesh, settings.sharding, abstract), mesh_.rows(mesh)
    abstract = jax.tree.map(_shape, abstract, placed)
    abstract_batch = jax.tree.map(lambda part: _shape(part, rows), batch)
    step = platform.jit(
        step_.make_step(method, optimisers, settings.seed), donate_argnums=0,
        in_shardings=(placed, rows), out_shardings=(placed, mesh_.replicated(mesh)),
    )
    with jax.default_matmul_precision(precision(settings)):
        traced = step.trace(abstract, abstract_batch)
    return Job(settings, method, optimisers, mesh, abstract, abstract_batch, traced)


def _shape(leaf, where: jax.sharding.Sharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where)


def precision(settings: settings_.Settings) -> str | None:
    """What jax.default_matmul_precision takes for the config's ``matmul_precision``."""
    asked = settings.compute.matmul_precision
    return None if asked == "default" else asked

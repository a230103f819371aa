"""States of a small method, and their checkpoints."""

import jax
import jax.numpy as jnp
from training import toy

from senm_jax.training import optimisers, saving, settings, state

ABOUT = {"data": "f", "config": {}, "window": {}}


def begin():
    """The state before the first step."""
    config = settings.resolve(toy.config("store", optimisers__judge__skip_above=1.0))
    batch = {"paired": {"clean": jnp.zeros((1, 8, 8, 3), jnp.uint8)}}
    method = toy.make(toy.Config(noise=0.1, ballast=1000))
    movers = optimisers.make_all(config.optimisers, config.steps)
    return state.create(method, movers, 0, batch)


def at(begin, step):
    """The state of a step, which no other step's is."""
    statistics = jax.tree.map(lambda a: a + step, begin.statistics)
    return begin.replace(step=jnp.int32(step), statistics=statistics)


def save(folder, begin, figures, keep=2, best=""):
    """Saves a checkpoint of each step with its PSNR; None: not measured."""
    with saving.Writer(folder, keep=keep, best=best) as writer:
        for step, value in figures.items():
            measured = {} if value is None else {"validation/psnr": value}
            writer.save(at(begin, step), ABOUT, measured)

"""A method of two players small enough to train in a test, and its runs as a separate process."""

import argparse
import copy
import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax import methods
from senm_jax.data import writing
from senm_jax.methods import base
from senm_jax.ops import keys, pixels


@dataclasses.dataclass(frozen=True)
class Config:
    """``poison``: at this step the painter's term "fit" is NaN; ``ballast``: how many numbers to
    save, which count the steps."""

    noise: float
    poison: int = 0
    ballast: int = 1
    shades: tuple[float, ...] = (0.5, 0.25)


def make(config):
    """The painter learns noisy from clean by a matrix; the judge predicts what was painted."""

    def init(key, batch):
        kernel = 0.1 * jax.random.normal(keys.named(key, "kernel"), (3, 3))
        painter = {"colour": {"kernel": kernel, "offset": jnp.zeros(3)}}
        idle = {"mean": jnp.zeros(3), "ballast": jnp.zeros(config.ballast)}
        return {"painter": {"params": painter, "statistics": idle},
                "judge": {"params": {"guess": jnp.zeros(3)}, "statistics": {}}}

    def paint(params, clean):
        return clean @ params["colour"]["kernel"] + params["colour"]["offset"]

    def loss(player, params, context):
        if player == "judge":
            painted = context.handed["painted"]
            offset = context.variables["painter"]["params"]["colour"]["offset"]
            value = jnp.mean(jnp.square(painted - params["guess"]))
            return value, base.Outcome({"guess": value, "offset": jnp.sum(offset)})
        clean = pixels.to_float(context.batch["paired"]["clean"])
        noisy = pixels.to_float(context.batch["paired"]["noisy"])
        noise = config.noise * jax.random.normal(keys.named(context.key, "noise"), clean.shape)
        painted = paint(params, clean) + noise
        fit = jnp.mean(jnp.square(painted - noisy))
        fit = jnp.where(context.step == config.poison, jnp.nan, fit)
        weight = 1e-3 * jnp.sum(jnp.square(params["colour"]["kernel"]))
        old = context.variables[player]["statistics"]
        mean = 0.9 * old["mean"] + 0.1 * painted.mean((0, 1, 2))
        statistics = {"mean": mean, "ballast": old["ballast"] + 1}
        metrics = {"weight": weight, "fit": fit}
        return fit + weight, base.Outcome(metrics, statistics, {"painted": painted})

    def sample(variables, clean, key, conditions, origin):
        draws = jax.vmap(lambda k: jax.random.normal(k, clean.shape[1:]))(key)
        return clean + conditions["level"][:, None, None, None] * draws

    def imitate(variables, clean, noisy):
        return {"level": jnp.std(noisy - clean, axis=(1, 2, 3))}

    def restore(variables, noisy, key, origin):
        return paint(variables["painter"]["params"], noisy)

    return base.Method(
        ("painter", "judge"), init, loss, sample=sample, restore=restore, imitate=imitate,
        conditions={"level": 0.1}, sample_reach=base.Reach(multiple=8, radius=0),
    )


def config(store, **changes):
    """A run's config as plain dicts; ``changes`` by dotted key with "__" for the dot."""
    optimiser = {
        "learning_rate": 0.01, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "schedule": "steps",
        "halve_at": (), "decay": 0.5, "final": 0.0, "warmup": 0, "skip_above": 0.0,
        "skip_norm_of": ".*",
    }
    fields = {
        "method": "toy", "hyper": {"noise": 0.05, "poison": 0, "ballast": 1},
        "data": {"stores": (str(store),), "weights": (), "rows": {"paired": 4, "source": 0},
                 "crop": 8, "validation": ""},
        "seed": 3, "steps": 6,
        "optimisers": {"painter": optimiser, "judge": dict(optimiser)},
        "log_every": 1, "checkpoint_every": 2, "validate_every": 4, "keep": 2, "best": "",
        "compute": {"matmul_precision": "default", "deterministic": False},
        "mesh": {"data": 1, "model": 1}, "sharding": (),
    }
    for name, value in changes.items():
        *above, last = name.split("__")
        holder = fields
        for part in above:
            holder = holder[part]
        holder[last] = value
    return copy.deepcopy(fields)


def install(monkeypatch=None):
    """Makes this file the method "toy"."""
    this, others = sys.modules[__name__], methods.load

    def load(name):
        return this if name == "toy" else others(name)

    if monkeypatch is None:
        methods.load = load
    else:
        monkeypatch.setattr(methods, "load", load)


def write_store(path, count=6, side=24, seed=0):
    """A store of ``count`` patches in each domain: a smooth picture, with white noise of 0.05."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    with writing.Writer(path, patch=(side, side), about={}) as writer:
        for i in range(count):
            shade = np.stack([rows, columns, rows * columns], -1) * (i + 1) / count
            clean = np.round(255 * (0.2 + 0.6 * shade)).astype(np.uint8)
            noisy = clean / 255 + random.normal(0, 0.05, clean.shape)
            noisy = np.round(255 * np.clip(noisy, 0, 1)).astype(np.uint8)
            writer.add("paired", clean=clean, noisy=noisy, source=f"{i}")
            writer.add("source", clean=clean, source=f"{i}")
    return path


def main():
    """Trains as a process of its own: ``toy.py STORE WORKDIR KEY=NUMBER ...``."""
    from senm_jax.training import loop, platform

    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("workdir")
    parser.add_argument("changes", nargs="*")
    args = parser.parse_args()
    changes = {key: int(value) for key, _, value in (each.partition("=") for each in args.changes)}
    asked = config(args.store, **changes)
    platform.start(cpu_devices=asked["mesh"]["data"])
    install()
    loop.train(asked, args.workdir)


if __name__ == "__main__":
    main()

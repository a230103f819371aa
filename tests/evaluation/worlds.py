"""A small world of known noise: a store of pairs, the model that made them, and wrong ones."""

import functools
import types

import cv2
import jax.numpy as jnp
import numpy as np

from senm_jax.data import store as store_
from senm_jax.data import writing
from senm_jax.methods import base, white_gaussian
from senm_jax.ops import gaussian

SIDE = 48
LEVELS = {("one", 100): 0.02, ("one", 800): 0.05, ("two", None): 0.03}


def make_store(path, *, each=8, seed=0):
    """Pairs of three cameras whose noise follows `structured`'s law, ``each`` of every camera."""
    generator = np.random.default_rng(seed)
    with writing.Writer(path, patch=(SIDE, SIDE), about={}) as writer:
        for place in range(each):
            for (camera, iso), level in LEVELS.items():
                coarse = generator.uniform(0.15, 0.85, (4, 4, 3)).astype(np.float32)
                clean = np.rint(cv2.resize(coarse, (SIDE, SIDE)) * 255).astype(np.uint8)
                draw = generator.standard_normal((1, SIDE, SIDE, 3)).astype(np.float32)
                noise = level * _law(jnp.asarray(clean[None] / np.float32(255)), draw)
                noisy = np.clip(np.rint(clean + 255 * np.asarray(noise)[0]), 0, 255)
                writer.add(
                    "paired", clean=clean, noisy=noisy.astype(np.uint8), camera=camera, iso=iso,
                    source=f"{camera}{iso}", position=(0, place * SIDE),
                )
    return store_.Store.open(path)


def _law(clean, draw):
    """Noise of deviation about 1: stronger where the image is bright, blurred along rows."""
    strength = jnp.sqrt(0.02 + 2 * clean**2)
    blurred = jnp.roll(draw, 1, axis=2) + 2 * draw + jnp.roll(draw, -1, axis=2)
    return strength * blurred / np.sqrt(6)


def run_of(method, *, variables=None, step=3, path="runs/fake", config=None):
    """What the evaluations take for a run."""
    return types.SimpleNamespace(
        path=path, method=method, variables=variables or {}, step=step, config=config
    )


@functools.cache  # one compilation serves all tests
def structured():
    """The noise model that made the store's noise."""

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        noise = _law(clean, normal("noise", clean.shape))
        return clean + conditions["level"][:, None, None, None] * noise

    def imitate(variables, clean, noisy):
        scale = jnp.sqrt(jnp.mean(0.02 + 2 * clean**2, axis=(1, 2, 3)))
        return {"level": jnp.std(noisy - clean, axis=(1, 2, 3)) / scale}

    return base.Method(
        (), None, None, sample=sample, imitate=imitate, conditions={"level": 0.0},
        sample_reach=base.Reach(multiple=1, radius=2),
    )


@functools.cache
def white(factor=1.0):
    """White Gaussian noise of the pair's own strength times ``factor``."""
    method = white_gaussian.make(white_gaussian.Config())

    def imitate(variables, clean, noisy):
        return {"level": factor * method.imitate(variables, clean, noisy)["level"]}

    return method._replace(imitate=imitate)


def restorer(function):
    """A restorer that applies a function to the noisy image."""

    def restore(variables, noisy, key, origin):
        return function(noisy)

    return base.Method((), None, None, restore=restore, restore_reach=base.Reach(1, 0))

"""Whether the content that a noise model infers from clean and from noisy images is alike.

LUD-VAE's inference-invariant condition asks that what is inferred from x and from y of a pair has
one distribution (TPAMI 2022, table 4). For each pair `DRAWS` contents are drawn from
either image's centre, and the maximum mean discrepancy of the two sets is taken
(`metrics.mmd.multiscale`). Kernels and bandwidths are not published: compare the order of models,
not the values. With so few draws of so many values the discrepancy of equal distributions is not
0; `floor` is that of two sets drawn from the clean image.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from senm_jax.data import store as store_
from senm_jax.evaluation import patches
from senm_jax.inference import apply
from senm_jax.metrics import mmd
from senm_jax.ops import keys, pixels
from senm_jax.training import platform

DRAWS = 10
SIDE = 128
"""Pixels of the centre that is looked at; smaller patches whole."""


class Result(NamedTuple):
    """One noise model on one store."""

    name: str
    rows: Mapping[str, patches.Row]
    """By group (`patches.by_configuration`): ``patches``, ``content_mmd``, ``content_mmd_floor``,
    means over patches."""
    about: Mapping[str, Any]
    """Run, step, store, fingerprint, patches and seed."""


def evaluate(
    run, store: store_.Store, *, name: str, seed: int = 0, limit: int | None = None
) -> Result:
    """The discrepancy of the contents inferred from the pairs of a store.

    Raises:
        ValueError: the run's method infers no content, or the store has no pairs.
    """
    apply.require(run, "content")
    indices = patches.choose(store, limit)
    infer = platform.jit(_infer(run.method.content), static_argnames="domain")
    variables, measured = jax.device_put(run.variables), []
    for part in patches.batches(store, indices, 1, f"content of {name}"):
        key = apply.image_key(seed, f"patch {part.indices[0]}")

        def drawn(domain, image, purpose, key=key):
            return np.asarray(infer(variables, domain, _centre(image), keys.named(key, purpose)))

        clean = drawn("source", part.clean[0], "clean")
        measured.append({
            "content_mmd": _mmd(clean, drawn("target", part.noisy[0], "noisy")),
            "content_mmd_floor": _mmd(clean, drawn("source", part.clean[0], "again")),
        })
    rows = patches.by_configuration(measured, patches.labels(store, indices), _mean)
    return Result(name, rows, patches.about(run, store, indices, seed))


def _infer(content):
    """`DRAWS` contents of one 8-bit image, float32 [`DRAWS`, values]."""

    def infer(variables, domain, image, key):
        rows = jnp.broadcast_to(pixels.to_float(image), (DRAWS, *image.shape))
        found = content(variables, domain, rows, key)
        return jnp.concatenate([level.reshape(DRAWS, -1) for level in found], 1)

    return infer


def _mmd(first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "n d"]) -> float:
    """0 where all are equal, as draws from one image are if no noise is added to it."""
    alike = (first == first[0]).all() and (second == first[0]).all()
    return 0.0 if alike else mmd.multiscale(first, second)


def _centre(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "a b 3"]:
    top, left = (max(side - SIDE, 0) // 2 for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def _mean(measured: Sequence[Mapping[str, float]]) -> patches.Row:
    figures = {name: float(np.mean([each[name] for each in measured])) for name in measured[0]}
    return {"patches": len(measured)} | figures

"""How well a method tells camera configurations apart, and what it says an image costs.

Each noisy patch of a store of pairs is judged under every configuration of the method's table: the
one under which it is likeliest is found. Costs are of the 8-bit noisy image, given the clean one,
under the configuration it has. Rows and columns that the network cannot take, behind the last
multiple of its cells, are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from senm_jax.data import configurations
from senm_jax.data import store as store_
from senm_jax.evaluation import patches
from senm_jax.methods import base, naflow
from senm_jax.ops import pixels
from senm_jax.training import platform

PIXELS = 2**18
"""A batch holds about this many pixels unless its size is given."""


class Patch(NamedTuple):
    """What is kept of one patch."""

    true: int
    """Its configuration's place in the method's table."""
    found: int
    bits: float
    """Bits per pixel and channel under the true one."""


class Result(NamedTuple):
    """One method on one store."""

    name: str
    configurations: tuple[str, ...]
    """The method's table."""
    rows: Mapping[str, patches.Row]
    """Figures by group, see `patches.by_configuration`, then by name."""
    confusion: Int[np.ndarray, "n n"]
    """Patches by true (row) and found (column) configuration, in the order of the table."""
    left_out: Mapping[str, int]
    """Patches of each configuration that the table lacks; they are in no figure."""
    about: Mapping[str, Any]
    """Run, step, store, fingerprint and patches."""


def evaluate(
    run, store: store_.Store, *, name: str, limit: int | None = None, batch: int | None = None
) -> Result:
    """The figures of a run's method on the pairs of a store.

    A patch's figures depend on it alone, and not on ``limit`` or on ``batch``, the number of
    patches computed together.

    Raises:
        ValueError: the method judges no configurations, or the store has no pair of any of them.
    """
    if run.method.judge is None:
        raise ValueError(f"{run.path}: its method does not judge camera configurations")
    table = run.method.configurations
    names = configurations.names(store.tags("paired"))
    chosen = patches.choose(store, limit)
    indices = [i for i in chosen if names[i] in table]
    others = [names[i] or patches.UNKNOWN for i in chosen if names[i] not in table]
    if not indices:
        raise ValueError(
            f"{store.path}: expected pairs of the run's configurations, {', '.join(table)}; "
            f"got {', '.join(sorted(set(others)))}"
        )
    true = [table.index(names[i]) for i in indices]
    measured = [Patch(*each) for each in zip(true, *_judge(run, store, indices, true, name, batch),
                                             strict=True)]
    confusion = np.zeros((len(table), len(table)), np.int64)
    np.add.at(confusion, (true, [patch.found for patch in measured]), 1)
    about = patches.about(run, store, indices, 0)
    return Result(
        name=name,
        configurations=table,
        rows=patches.by_configuration(measured, [names[i] for i in indices], summarise),
        confusion=confusion,
        left_out={other: others.count(other) for other in sorted(set(others))},
        about={key: about[key] for key in ("run", "step", "store", "fingerprint", "indices")},
    )


def summarise(measured: Sequence[Patch]) -> patches.Row:
    """The figures of a group of patches by name."""
    bits = float(np.mean([patch.bits for patch in measured]))
    return {
        "patches": len(measured),
        "bpd": bits,
        "released_bits": float(naflow.released_bits(bits)),
        "accuracy": float(np.mean([patch.found == patch.true for patch in measured])),
    }


def _judge(run, store, indices, true, name, batch) -> tuple[list[int], list[float]]:
    """Of each patch, the place of the configuration found and the bits under the true one."""
    def judge(variables, clean, noisy):
        return run.method.judge(variables, pixels.to_float(clean), pixels.to_float(noisy))

    height, width = base.whole_cells(run.method.sample_reach, store.patch)
    judge, variables = platform.jit(judge), jax.device_put(run.variables)
    size = min(len(indices), batch or max(1, PIXELS // (store.patch[0] * store.patch[1])))
    found, bits = [], []
    for part in patches.batches(store, indices, size, f"configurations of {name}"):
        rows = np.resize(np.arange(len(part.indices)), size)  # the last batch is filled up
        pair = (side[rows, :height, :width] for side in (part.clean, part.noisy))
        judged = jax.device_get(judge(variables, *pair))
        for i in range(len(part.indices)):
            found.append(int(np.argmax(judged.log_odds[i])))
            bits.append(float(judged.bits[i, true[len(bits)]]))
    return found, bits

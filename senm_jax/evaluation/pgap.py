"""PGap: what a restorer loses when it learns from synthetic pairs instead of real ones.

PSNR of a restorer trained on real pairs minus that of one trained on synthetic pairs, by the same
recipe and on the same test images, in dB; smaller is better, and below 0 the synthetic pairs are
the better teachers.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from senm_jax.data import store as store_
from senm_jax.evaluation import patches, restoration
from senm_jax.training import checkpoints

NOT_RECIPE = (
    "data.stores", "data.weights", "data.validation", "seed", "log_every", "checkpoint_every",
    "keep",
)
"""Settings that two runs of one recipe may differ in: what they learn from and what they log."""


class Result(NamedTuple):
    """A restorer that learnt from synthetic pairs against one that learnt from real ones."""

    real: restoration.Result
    synthetic: restoration.Result
    rows: Mapping[str, patches.Row]
    """By group: ``patches``, ``real``, ``synthetic`` and ``noisy`` PSNR, and ``pgap``, in dB."""

    @property
    def name(self) -> str:
        """The synthetic one's."""
        return self.synthetic.name


def evaluate(
    real, synthetic: Sequence, store: store_.Store, *, names: Sequence[str], **options
) -> list[Result]:
    """The gap between the run that learnt from real pairs and each that learnt from synthetic ones.

    ``names`` are of all runs, the real one's first; ``options`` are those of
    `restoration.evaluate`.

    Raises:
        ValueError: a recipe differs from the real one's; the message names the settings.
    """
    for run in synthetic:
        differ = recipe_differences(real, run)
        if differ:
            listed = "; ".join(f"{key}: {a!r} and {b!r}" for key, (a, b) in differ.items())
            raise ValueError(
                f"PGap compares restorers of one recipe, but {real.path} and {run.path} differ "
                f"in {listed}; train one of them again"
            )
    first, *others = [restoration.evaluate(run, store, name=name, **options)
                      for run, name in zip((real, *synthetic), names, strict=True)]
    return [compare(first, other) for other in others]


def compare(real: restoration.Result, synthetic: restoration.Result) -> Result:
    """The gap between two results on the same patches."""
    rows = {}
    for group, row in real.rows.items():
        first, second = row["restored_psnr_rgb"], synthetic.rows[group]["restored_psnr_rgb"]
        rows[group] = {"patches": row["patches"], "noisy": row["noisy_psnr_rgb"], "real": first,
                       "synthetic": second, "pgap": first - second}
    return Result(real, synthetic, rows)


def recipe_differences(first, second) -> dict[str, tuple[Any, Any]]:
    """Name to both values of every setting of the recipe, the number of steps done included."""
    flat = []
    for run in (first, second):
        leaves = jax.tree_util.tree_leaves_with_path(dataclasses.asdict(run.config))
        named = {jax.tree_util.keystr(path, simple=True, separator="."): leaf
                 for path, leaf in leaves}
        flat.append({name: leaf for name, leaf in named.items() if not _is_free(name)}
                    | {"step": _trained(run)})
    before, after = flat
    return {name: (before.get(name), after.get(name))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)}


def _trained(run) -> int:
    """Steps done; the best checkpoint, where one is chosen, may be of an earlier one."""
    return checkpoints.steps(run.path / "checkpoints")[-1] if run.config.best else run.step


def _is_free(name: str) -> bool:
    return any(name == free or name.startswith(f"{free}.") for free in NOT_RECIPE)

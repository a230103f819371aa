"""A noise model against the real noise of a test store of pairs.

For each patch the model is given the clean image and the conditions that its method's `imitate`
reads off the pair, and draws one noisy image, clipped to [0, 1]. Noise is that minus the clean
image, on the [0, 1] scale. A method that tells camera configurations apart can instead be given
one configuration, or one drawn at random for each patch. `kld_naflow` and `akld` are of the
unrounded draw as their authors have it; all else is of the draw rounded to 8 bits, as the real
images are.

The divergences and AKLD are means over patches. Deviation, correlation and variance against
intensity are pooled: sums over all patches of a group, divided once. Sampling is timed, and its
parameters are counted (`cost`).
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, UInt8

from senm_jax.data import store as store_
from senm_jax.evaluation import cost, patches
from senm_jax.inference import apply, conditions
from senm_jax.methods import base
from senm_jax.metrics import akld, correlation, kld, variance
from senm_jax.ops import pixels
from senm_jax.training import platform


AWARE = "aware"
"""The configuration that is read off each pair."""


class Side(NamedTuple):
    """The pooled sums of one side's noise, real or generated."""

    correlation: correlation.Sums
    colours: Float[np.ndarray, "3 3"]
    """See `correlation.colour_sums`."""
    variance: variance.Sums


class Patch(NamedTuple):
    """What is kept of one patch."""

    values: Mapping[str, float]
    real: Side
    generated: Side


class Example(NamedTuple):
    """One patch as pictures, uint8."""

    clean: UInt8[np.ndarray, "h w 3"]
    noisy: UInt8[np.ndarray, "h w 3"]
    generated: UInt8[np.ndarray, "h w 3"]


class Result(NamedTuple):
    """One noise model on one store."""

    name: str
    rows: Mapping[str, patches.Row]
    """Figures by group, see `patches.by_configuration`, then by name."""
    correlation: Mapping[str, Float[np.ndarray, "n n"]]
    """Pooled maps over all patches: "real" and "generated"."""
    variance: Mapping[str, variance.Curve]
    """Pooled curves over all patches: "real" and "generated"."""
    examples: Sequence[Example]
    cost: Mapping[str, float]
    """``parameters_used``, ``parameters`` (see `cost.parameters`) and ``images_per_second``."""
    about: Mapping[str, Any]
    """Run, step, store, fingerprint, patches, seed, configuration, and what was timed."""


def evaluate(
    run,
    store: store_.Store,
    *,
    name: str,
    seed: int = 0,
    limit: int | None = None,
    batch: int | None = None,
    examples: int = 3,
    configuration: str = AWARE,
) -> Result:
    """The figures of a run's noise model on the pairs of a store.

    ``configuration`` is the name of one of the method's camera configurations, "random" (one for
    each patch, all alike likely) or `AWARE`. A draw depends on the seed and on the patch's place in
    the store, and, but for the rounding of float32 sums, not on ``limit``, nor on ``batch``, the
    number of patches computed together.

    Raises:
        ValueError: the run is no noise model, cannot imitate a pair or does not know the
            configuration, or the store has no pairs.
    """
    apply.require(run, "sample")
    if run.method.imitate is None:
        raise ValueError(f"{run.path}: its method cannot read conditions off a pair (imitate)")
    indices = patches.choose(store, limit)
    shown = set(indices[:: -(-len(indices) // examples)])
    plan = apply.layout(run, "sample", [store.patch] * len(indices), batch=batch)
    size = plan.batch if plan else 1
    chosen, clock = _chosen(run, seed, configuration), cost.Clock()
    measured, kept = [], []
    for part in patches.batches(store, indices, size, f"noise of {name}"):
        drawn = _draw(run, part, seed, plan, chosen, clock)
        rounded = patches.to_uint8(drawn)
        for i, index in enumerate(part.indices):
            measured.append(_measure(part.clean[i], part.noisy[i], drawn[i], rounded[i]))
            if index in shown:
                kept.append(Example(part.clean[i], part.noisy[i], rounded[i]))
    pooled = {side: pool([getattr(patch, side) for patch in measured])
              for side in ("real", "generated")}
    return Result(
        name=name,
        rows=patches.by_configuration(measured, patches.labels(store, indices), summarise),
        correlation={side: correlation.pooled(sums.correlation) for side, sums in pooled.items()},
        variance={side: variance.curve(sums.variance) for side, sums in pooled.items()},
        examples=kept,
        cost=cost.parameters(run) | {"images_per_second": clock.images_per_second},
        about=patches.about(run, store, indices, seed) | {
            "configuration": configuration,
            "sampling": {"patch": store.patch, "seconds": clock.seconds, "batch": size,
                         "device": jax.devices()[0].device_kind},
        },
    )


def summarise(measured: Sequence[Patch]) -> patches.Row:
    """The figures of a group of patches by name."""
    names = measured[0].values
    figures = {name: float(np.mean([patch.values[name] for patch in measured])) for name in names}
    real = pool([patch.real for patch in measured])
    generated = pool([patch.generated for patch in measured])
    figures["real_std"], figures["generated_std"] = deviation(real), deviation(generated)
    silent = figures["real_std"] == 0
    figures["std_ratio"] = np.nan if silent else figures["generated_std"] / figures["real_std"]
    maps = [correlation.pooled(side.correlation) for side in (generated, real)]
    figures["correlation_error"] = correlation.error(*maps)
    for side, found in zip(("generated", "real"), maps, strict=True):
        right, below = correlation.neighbour(found)
        figures |= {f"{side}_correlation_right": right, f"{side}_correlation_below": below}
    for side, sums in {"generated": generated, "real": real}.items():
        figures[f"{side}_correlation_colours"] = correlation.colours(sums.colours)
    curves = [variance.curve(side.variance) for side in (generated, real)]
    figures["variance_error"] = variance.error(*curves)
    return {"patches": len(measured)} | figures


def pool(sides: Sequence[Side]) -> Side:
    """The sums of all patches together."""
    return Side(
        functools.reduce(correlation.add, [side.correlation for side in sides]),
        sum(side.colours for side in sides),
        functools.reduce(variance.add, [side.variance for side in sides]),
    )


def deviation(side: Side) -> float:
    """The noise's standard deviation over all patches, pixels and channels, in [0, 1] units."""
    sums = side.variance
    count = sums.count.sum()
    mean = sums.noise.sum() / count
    return float(np.sqrt(max(sums.noise_squared.sum() / count - mean**2, 0)))


def _chosen(run, seed: int, configuration: str) -> conditions.Draw:
    """What a patch is given instead of what is read off its pair."""
    if configuration == AWARE:
        return lambda name, read: {}
    draw = conditions.make(run, seed, configuration=configuration)
    return lambda name, read: {each: draw(name, read)[each] for each in run.method.configurations}


def _draw(
    run, part: patches.Batch, seed: int, plan, chosen: conditions.Draw, clock: cost.Clock
) -> Float[np.ndarray, "b h w 3"]:
    """One noisy image for each clean one, clipped to [0, 1]; a short batch is filled up."""
    clean, noisy = part.clean, part.noisy
    rows = np.arange(plan.batch if plan else 1) % len(part.indices)
    height, width = base.whole_cells(run.method.sample_reach, clean.shape[1:3])
    found = _conditions(run.method.imitate)(
        run.variables, clean[rows, :height, :width], noisy[rows, :height, :width]
    )
    found = {name: np.asarray(value) for name, value in found.items()}
    names = [f"patch {index}" for index in part.indices]
    images, image_keys = list(patches.to_float(clean)), [apply.image_key(seed, n) for n in names]
    each = [{key: float(value[i]) for key, value in found.items()}
            | chosen(name, functools.partial(images.__getitem__, i))
            for i, name in enumerate(names)]
    drawn = clock.time(lambda: apply.sample_all(run, images, image_keys, each, plan))
    return np.clip(np.stack(drawn), 0, 1)


@functools.lru_cache(maxsize=8)
def _conditions(imitate):
    """`imitate` compiled, from 8-bit images."""
    return platform.jit(lambda variables, clean, noisy: imitate(
        variables, pixels.to_float(clean), pixels.to_float(noisy)
    ))


def _measure(
    clean: UInt8[np.ndarray, "h w 3"],
    noisy: UInt8[np.ndarray, "h w 3"],
    drawn: Float[np.ndarray, "h w 3"],
    rounded: UInt8[np.ndarray, "h w 3"],
) -> Patch:
    x = clean / 255
    real, unrounded, generated = noisy / 255 - x, drawn - x, rounded / 255 - x
    values = {
        "akld": akld.akld(real, unrounded),
        "kld_senm_vae_grey": kld.kld_senm_vae_grey(rounded, noisy),
        "kld_naflow": kld.kld_naflow(real, unrounded),
        "kld_naflow_rounded": kld.kld_naflow(real, generated),
        "kld_neca": kld.kld_neca(real, generated),
    }
    sides = [
        Side(correlation.sums(noise), correlation.colour_sums(noise), variance.sums(clean, noise))
        for noise in (real, generated)
    ]
    return Patch(values, *sides)

"""A trained method applied to images of any size, tile by tile.

The whole result is the method applied to the whole image, after its last row and column were
repeated until both sides are multiples of what the network asks for, cut back to the image's size;
a network that takes any size (`base.Reach.any_size`) is given the image as it is.
Tiled results equal it to float tolerance, random draws included, whatever the tile.

A run is anything with ``method`` (`methods.base.Method`) and ``variables``.
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Array, Key

from senm_jax.inference import batches, strength, tiles
from senm_jax.methods import base
from senm_jax.ops import keys

WHOLE_PIXELS = 2**22
"""The most pixels of an image that a network without a bounded reach is given."""


def image_key(seed: int, name: str) -> Key[Array, ""]:
    """The key of the image called ``name``: a function of the seed and the name alone."""
    return keys.named(jax.random.key(seed), name)


def sample(run, clean, *, key, conditions, tile=None):
    """The noisy version, float32 [h, w, 3], of a clean image in [0, 1]; not clipped.

    Args:
        run: a run of a noise model.
        clean: one image, or a list of images of any sizes, which gives a list.
        key: the image's typed key; for a list, one key for each image.
        conditions: value by name; for a list, such a mapping for all or a list of one for each.
            Those of the method that are left out have its defaults.
        tile: side of the tiles in pixels; None lets the network's radius choose.

    Raises:
        ValueError: the run is no noise model, a condition is unknown, the tile is too small, or
            the result is not finite.
    """
    if isinstance(clean, (list, tuple)):
        each = [conditions] * len(clean) if isinstance(conditions, Mapping) else conditions
        return sample_all(run, clean, list(key), each, layout(run, "sample", clean, tile))
    return sample(run, [clean], key=[key], conditions=conditions, tile=tile)[0]


def restore(run, noisy, *, key, tile=None):
    """The clean estimate, float32 [h * scale, w * scale, 3], of a noisy image; not clipped.

    Takes one image, or a list of them, as `sample` does.

    Raises:
        ValueError: the run cannot restore, the tile is too small, or the result is not finite.
    """
    if isinstance(noisy, (list, tuple)):
        return restore_all(run, noisy, list(key), layout(run, "restore", noisy, tile))
    return restore(run, [noisy], key=[key], tile=tile)[0]


def layout(
    run, action: str, images: Sequence, tile: int | None = None, batch: int | None = None
) -> tiles.Layout | None:
    """The tiling of ``images`` for "sample" or "restore"; None where only whole images will do.

    ``images`` are arrays, or their sizes (height, width).

    Raises:
        ValueError: the run cannot do it, the tile is too small, or an image is too large for a
            network that must see the whole of it.
    """
    require(run, action)
    sizes = [tuple(getattr(image, "shape", image)[:2]) for image in images]
    reach = getattr(run.method, f"{action}_reach")
    if reach is not None:
        devices = jax.local_devices()
        one_memory = devices[0].platform == "cpu"
        return tiles.layout(sizes, reach, tile, batch, len(devices), one_memory)
    if tile is not None:
        raise ValueError("tile: this network depends on the whole image and cannot be tiled")
    for height, width in sizes:
        if height * width > WHOLE_PIXELS:
            raise ValueError(
                f"an image of {height}x{width} pixels: this network depends on the whole image "
                f"and is given at most {WHOLE_PIXELS} pixels; cut the image first"
            )
    return None


def require(run, action: str) -> None:
    """Raises ValueError unless the run's method can do ``action``: "sample", "restore", "content"
    or "infer"."""
    if getattr(run.method, action) is None:
        kind, deed = {
            "sample": ("a noise model", "sample"), "restore": ("a restorer", "restore"),
            "content": ("a model of content and degradation", "infer content"),
            "infer": ("a restorer with a latent", "infer it"),
        }[action]
        raise ValueError(f"{getattr(run, 'path', 'the run')}: is not {kind}, it cannot {deed}")


def complete(method: base.Method, conditions: Mapping[str, float]) -> dict[str, float]:
    """The conditions with the method's defaults for those left out.

    Raises:
        ValueError: the method takes no such condition.
    """
    unknown = sorted(set(conditions) - set(method.conditions))
    if unknown:
        known = sorted(method.conditions)
        raise ValueError(f"conditions: the method takes {known or 'none'}, got {unknown}")
    return {**method.conditions, **conditions}


def sample_all(
    run, images: Sequence, image_keys: Sequence, conditions: Sequence[Mapping[str, float]],
    plan: tiles.Layout | None, tick: batches.Tick = batches.ignore,
) -> list[np.ndarray]:
    """The noisy version of each clean image under its key and conditions, tiled by ``plan``.

    A method's `strength` is corrected on each image as `strength.settle` says.
    """
    given = [complete(run.method, each) for each in conditions]
    columns = {
        name: np.array([each[name] for each in given], np.float32)
        for name in run.method.conditions
    }
    call = batches.program(run.method.sample, True, plan)
    images = [np.asarray(image, np.float32) for image in images]
    if (name := run.method.strength) is not None:
        columns[name] = _settled(run, images, image_keys, columns, plan)
    return batches.compute(call, run.variables, images, image_keys, columns, plan, tick)


def _settled(run, images, image_keys, columns, plan):
    """The values of the method's `strength`, corrected on each image at the defaults of the other
    conditions: what a temperature changes is not undone."""
    side = strength.SIDE
    if plan is not None and any(max(image.shape[:2]) > side for image in images):
        plan = layout(run, "sample", [(side, side), (1, 1)])
    call = batches.program(run.method.sample, True, plan)
    name = run.method.strength

    def trial(windows, of, levels):
        trial_keys = [keys.named(image_keys[i], "trial") for i in of]
        given = {each: np.full(len(of), default, np.float32)
                 for each, default in run.method.conditions.items()} | {name: levels[of]}
        try:
            return batches.compute(call, run.variables, windows, trial_keys, given, plan)
        except batches.NotFinite as error:
            error.number = of[error.number]
            raise

    return strength.settle(trial, images, columns[name])


def restore_all(
    run, images: Sequence, image_keys: Sequence, plan: tiles.Layout | None,
    tick: batches.Tick = batches.ignore,
) -> list[np.ndarray]:
    """The clean estimate of each noisy image, tiled by ``plan``."""
    call = batches.program(run.method.restore, False, plan)
    images = [np.asarray(image, np.float32) for image in images]
    return batches.compute(call, run.variables, images, image_keys, {}, plan, tick)

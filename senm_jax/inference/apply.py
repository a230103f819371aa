"""A trained method applied to images of any size, tile by tile.

The whole result is the method applied to the whole image, after its last row and column were
repeated until both sides are multiples of what the network asks for, cut back to the image's size.
Tiled results equal it to float tolerance, random draws included, whatever the tile.

A run is anything with ``method`` (`methods.base.Method`) and ``variables``.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from senm_jax.inference import borders, tiles
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
        ValueError: the run is no noise model, a condition is unknown, or the tile is too small.
    """
    if isinstance(clean, (list, tuple)):
        each = [conditions] * len(clean) if isinstance(conditions, Mapping) else conditions
        return sample_all(run, clean, list(key), each, layout(run, "sample", clean, tile))
    return sample(run, [clean], key=[key], conditions=conditions, tile=tile)[0]


def restore(run, noisy, *, key, tile=None):
    """The clean estimate, float32 [h * scale, w * scale, 3], of a noisy image; not clipped.

    Takes one image, or a list of them, as `sample` does.

    Raises:
        ValueError: the run cannot restore, or the tile is too small.
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
        return tiles.layout(sizes, reach, tile, batch)
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
    """Raises ValueError unless the run's method can do ``action``: "sample" or "restore"."""
    if getattr(run.method, action) is None:
        kind = {"sample": "a noise model", "restore": "a restorer"}[action]
        raise ValueError(f"{getattr(run, 'path', 'the run')}: is not {kind}, it cannot {action}")


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
    plan: tiles.Layout | None,
) -> list[np.ndarray]:
    """The noisy version of each clean image under its key and conditions, tiled by ``plan``."""
    given = [complete(run.method, each) for each in conditions]
    columns = {
        name: np.array([each[name] for each in given], np.float32)
        for name in run.method.conditions
    }
    call = _program(run.method.sample, True, plan)
    return _apply(call, run.variables, images, image_keys, columns, plan)


def restore_all(
    run, images: Sequence, image_keys: Sequence, plan: tiles.Layout | None
) -> list[np.ndarray]:
    """The clean estimate of each noisy image, tiled by ``plan``."""
    call = _program(run.method.restore, False, plan)
    return _apply(call, run.variables, images, image_keys, {}, plan)


@functools.lru_cache(maxsize=32)
def _program(function: Callable, conditioned: bool, plan: tiles.Layout | None) -> Callable:
    """The compiled application to a batch of tiles; kept, so that a second call is not compiled."""

    def call(variables, images, image_keys, conditions, origin, size):
        given = (conditions,) if conditioned else ()
        arguments = (variables, images, image_keys, *given, origin)
        if plan is None or not plan.bordered:
            return function(*arguments)
        with nn.intercept_methods(borders.interceptor(size, plan.tile)):
            return function(*arguments)

    return jax.jit(call)


def _apply(
    call: Callable, variables, images: Sequence, image_keys: Sequence,
    conditions: Mapping[str, np.ndarray], plan: tiles.Layout | None,
) -> list[np.ndarray]:
    if len(image_keys) != len(images) or any(len(c) != len(images) for c in conditions.values()):
        raise ValueError(
            f"expected a key and conditions for each of {len(images)} images, got "
            f"{len(image_keys)} keys and {[len(c) for c in conditions.values()]} conditions"
        )
    if not images:
        return []
    images = [np.asarray(image, np.float32) for image in images]
    variables, image_keys = jax.device_put(variables), jnp.stack(list(image_keys))
    if plan is None:
        return [
            _whole(call, variables, image, image_keys[i : i + 1],
                   {name: column[i : i + 1] for name, column in conditions.items()})
            for i, image in enumerate(images)
        ]
    padded = [tiles.pad(image, plan.multiple) for image in images]
    results = [
        np.empty((image.shape[0] * plan.scale, image.shape[1] * plan.scale, 3), np.float32)
        for image in images
    ]
    waiting = None
    for rows in _batches(images, plan):
        of = np.array([row[0] for row in rows])
        origin = np.array([[span.start for span in row[1]] for row in rows], np.int32)
        size = np.array([padded[i].shape[:2] for i in of], np.int32) - origin
        cut = np.stack([tiles.cut(padded[i], place, plan) for i, place in rows])
        picked = {name: column[of] for name, column in conditions.items()}
        output = call(variables, cut, image_keys[of], picked, origin, size)
        if waiting is not None:
            _place(results, *waiting, plan)
        waiting = (rows, output)
    _place(results, *waiting, plan)
    return results


def _whole(call: Callable, variables, image: np.ndarray, key, conditions) -> np.ndarray:
    size = np.array([image.shape[:2]], np.int32)
    return np.asarray(call(variables, image[None], key, conditions, np.zeros_like(size), size))[0]


def _batches(images: Sequence[np.ndarray], plan: tiles.Layout) -> Iterator[list]:
    """(image number, place) of the tiles of one batch after the other; the last batch is filled
    up with copies of its first tile."""
    rows = [
        (i, place)
        for i, image in enumerate(images)
        for place in tiles.places(image.shape[:2], plan)
    ]
    for first in range(0, len(rows), plan.batch):
        batch = rows[first : first + plan.batch]
        yield batch + batch[:1] * (plan.batch - len(batch))


def _place(results: list[np.ndarray], rows: list, output: jax.Array, plan: tiles.Layout) -> None:
    for (i, place), result in zip(rows, np.asarray(output), strict=True):
        tiles.put(results[i], result, place, plan)

"""A trained method applied to images of any size, tile by tile.

The whole result is the method applied to the whole image, after its last row and column were
repeated until both sides are multiples of what the network asks for, cut back to the image's size;
a network that takes any size (`base.Reach.any_size`) is given the image as it is.
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

from senm_jax.inference import borders, strength, tiles
from senm_jax.methods import base
from senm_jax.ops import keys

WHOLE_PIXELS = 2**22
"""The most pixels of an image that a network without a bounded reach is given."""
Tick = Callable[[int], None]
"""Told after each batch how many tiles of images (or whole images) it held."""


def _ignore(count: int) -> None:
    """The tick of who does not watch."""


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
    plan: tiles.Layout | None, tick: Tick = _ignore,
) -> list[np.ndarray]:
    """The noisy version of each clean image under its key and conditions, tiled by ``plan``.

    A method's `strength` is corrected on each image as `strength.settle` says.
    """
    given = [complete(run.method, each) for each in conditions]
    columns = {
        name: np.array([each[name] for each in given], np.float32)
        for name in run.method.conditions
    }
    call = _program(run.method.sample, True, plan)
    images = [np.asarray(image, np.float32) for image in images]
    if (name := run.method.strength) is not None:
        columns[name] = _settled(run, images, image_keys, columns, plan)
    return _apply(call, run.variables, images, image_keys, columns, plan, tick)


def _settled(run, images, image_keys, columns, plan):
    """The values of the method's `strength`, corrected on each image at the defaults of the other
    conditions: what a temperature changes is not undone."""
    side = strength.SIDE
    if plan is not None and any(max(image.shape[:2]) > side for image in images):
        plan = layout(run, "sample", [(side, side), (1, 1)])
    call = _program(run.method.sample, True, plan)

    name = run.method.strength

    def trial(windows, of, levels):
        trial_keys = [keys.named(image_keys[i], "trial") for i in of]
        given = {each: np.full(len(of), default, np.float32)
                 for each, default in run.method.conditions.items()} | {name: levels[of]}
        return _apply(call, run.variables, windows, trial_keys, given, plan, _ignore)

    return strength.settle(trial, images, columns[name])


def restore_all(
    run, images: Sequence, image_keys: Sequence, plan: tiles.Layout | None, tick: Tick = _ignore
) -> list[np.ndarray]:
    """The clean estimate of each noisy image, tiled by ``plan``."""
    call = _program(run.method.restore, False, plan)
    images = [np.asarray(image, np.float32) for image in images]
    return _apply(call, run.variables, images, image_keys, {}, plan, tick)


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
    conditions: Mapping[str, np.ndarray], plan: tiles.Layout | None, tick: Tick,
) -> list[np.ndarray]:
    if len(image_keys) != len(images) or any(len(c) != len(images) for c in conditions.values()):
        raise ValueError(
            f"expected a key and conditions for each of {len(images)} images, got "
            f"{len(image_keys)} keys and {[len(c) for c in conditions.values()]} conditions"
        )
    if not images:
        return []
    whole, split = _shardings(1 if plan is None else plan.batch)
    variables, image_keys = jax.device_put(variables, whole), jnp.stack(list(image_keys))

    def run(pictures, of, origin, size):
        picked = {name: column[of] for name, column in conditions.items()}
        rows = jax.device_put((pictures, image_keys[of], picked, origin, size), split)
        return call(variables, *rows)

    if plan is None:
        results = []
        for i, image in enumerate(images):
            size = np.array([image.shape[:2]], np.int32)
            results.append(np.asarray(run(image[None], np.array([i]), size * 0, size))[0])
            tick(1)
    else:
        results = _tiled(run, images, plan, tick)
    _require_finite(results)
    return results


def _require_finite(results: Sequence[np.ndarray]) -> None:
    for i, result in enumerate(results):
        count = int(np.sum(~np.isfinite(result)))
        if count:
            raise ValueError(
                f"image {i + 1} of {len(results)}: {count} of {result.size} computed values are "
                "not finite: the network does not bear this image or these conditions"
            )


def _tiled(
    run: Callable, images: list[np.ndarray], plan: tiles.Layout, tick: Tick
) -> list[np.ndarray]:
    """The results put together; a batch is fetched only when the next has been started."""
    padded = [tiles.pad(image, plan.fill) for image in images]
    results = [
        np.empty((image.shape[0] * plan.scale, image.shape[1] * plan.scale, 3), np.float32)
        for image in images
    ]
    waiting = []

    def fetch(rows, output):
        for (i, place), result in zip(rows, np.asarray(output)):  # a filled batch has more rows
            tiles.put(results[i], result, place, plan)
        tick(len(rows))

    for rows in _batches(images, plan):
        filled = rows + rows[:1] * (plan.batch - len(rows))
        of = np.array([i for i, _ in filled])
        origin = np.array([[span.start for span in place] for _, place in filled], np.int32)
        size = np.array([padded[i].shape[:2] for i in of], np.int32) - origin
        cut = np.stack([tiles.cut(padded[i], place, plan) for i, place in filled])
        waiting.append((rows, run(cut, of, origin, size)))
        if len(waiting) > 1:
            fetch(*waiting.pop(0))
    fetch(*waiting.pop())
    return results


def _shardings(batch: int) -> tuple[jax.sharding.Sharding, jax.sharding.Sharding]:
    """Where variables and a batch's rows lie: rows over all local devices if that comes out even.

    On CPU there is a virtual device for each core, because XLA runs many convolutions on one.
    """
    devices = jax.local_devices()
    used = devices if batch % len(devices) == 0 else devices[:1]
    mesh = jax.make_mesh(
        (len(used),), ("data",), axis_types=(jax.sharding.AxisType.Auto,), devices=used
    )
    over = jax.sharding.PartitionSpec("data")
    return (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()),
            jax.sharding.NamedSharding(mesh, over))


def _batches(images: Sequence[np.ndarray], plan: tiles.Layout) -> Iterator[list]:
    """(image number, place) of the tiles of one batch after the other; the last may be short."""
    rows = [
        (i, place)
        for i, image in enumerate(images)
        for place in tiles.places(image.shape[:2], plan)
    ]
    for first in range(0, len(rows), plan.batch):
        yield rows[first : first + plan.batch]

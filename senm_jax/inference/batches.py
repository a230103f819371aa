"""A method computed for many images: tiles or whole ones, batch by batch, on all local devices."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.inference import borders, tiles
from senm_jax.training import platform

Tick = Callable[[int], None]
"""Told after each batch how many tiles of images (or whole images) it held."""


class NotFinite(ValueError):
    """A result that is not finite; ``number`` is its image's among those that were given."""

    def __init__(self, number: int, what: str):
        super().__init__(number, what)
        self.number, self.what = number, what

    def __str__(self) -> str:
        return f"image {self.number + 1}: {self.what}"


def ignore(count: int) -> None:
    """The tick of who does not watch."""


@functools.lru_cache(maxsize=32)
def program(function: Callable, conditioned: bool, plan: tiles.Layout | None) -> Callable:
    """The compiled application to a batch of tiles; kept, so that a second call is not compiled."""

    def call(variables, images, image_keys, conditions, origin, size):
        given = (conditions,) if conditioned else ()
        arguments = (variables, images, image_keys, *given, origin)
        if plan is None or not plan.bordered:
            return function(*arguments)
        with nn.intercept_methods(borders.interceptor(size, plan.tile)):
            return function(*arguments)

    return platform.jit(call)


def compute(
    call: Callable, variables, images: Sequence, image_keys: Sequence,
    conditions: Mapping[str, np.ndarray], plan: tiles.Layout | None, tick: Tick = ignore,
) -> list[np.ndarray]:
    """The results of ``call``, a `program`, for each image under its key and conditions.

    Raises:
        ValueError: not every image has a key and conditions.
        NotFinite: a result is not finite.
    """
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
            raise NotFinite(
                i, f"{count} of {result.size} computed values are not finite: the network does "
                "not bear this image or these conditions"
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

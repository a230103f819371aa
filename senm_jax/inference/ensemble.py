"""Self-ensemble: the mean of what a restorer makes of an image's eight symmetries.

R. Timofte, R. Rothe, L. Van Gool, "Seven Ways to Improve Example-Based Single Image Super
Resolution", CVPR 2016; the "+" behind a restorer's name.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from senm_jax.inference import apply, batches, tiles
from senm_jax.ops import keys

SYMMETRIES = tuple((flip, turns) for turns in range(4) for flip in (False, True))


def layout(
    run, action: str, sizes: Sequence[tuple[int, int]], tile: int | None = None,
    batch: int | None = None,
) -> tiles.Layout | None:
    """`apply.layout` for images of these sizes (height, width), upright and on their side."""
    turned = [(width, height) for height, width in sizes]
    return apply.layout(run, action, [*sizes, *turned], tile, batch)


def restore_all(
    run, images: Sequence, image_keys: Sequence, plan: tiles.Layout | None,
    tick: batches.Tick | None = None,
) -> list[np.ndarray]:
    """The clean estimate of each noisy image as `apply.restore_all`, under every symmetry.

    Each symmetry has its own draws. Only the last, the images as they are, is told to ``tick``.
    """
    images = [np.asarray(image, np.float32) for image in images]
    total = [0.0] * len(images)
    for flip, turns in reversed(SYMMETRIES):
        plain = not (flip or turns)
        given = [_turned(image, flip, turns) for image in images]
        named = [keys.named(key, f"symmetry {flip} {turns}") for key in image_keys]
        watched = {"tick": tick} if plain and tick else {}
        made = apply.restore_all(run, given, named, plan, **watched)
        total = [sum_ + _turned_back(each, flip, turns)
                 for sum_, each in zip(total, made, strict=True)]
    return [sum_ / np.float32(len(SYMMETRIES)) for sum_ in total]


def _turned(
    image: Float32[np.ndarray, "h w c"], flip: bool, turns: int
) -> Float32[np.ndarray, "H W c"]:
    """The image with its columns reversed where ``flip``, then by quarter turns."""
    return np.rot90(image[:, ::-1] if flip else image, turns)


def _turned_back(
    image: Float32[np.ndarray, "h w c"], flip: bool, turns: int
) -> Float32[np.ndarray, "H W c"]:
    """What `_turned` made it of."""
    image = np.rot90(image, -turns)
    return image[:, ::-1] if flip else image

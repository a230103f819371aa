"""What a latent tells of an image's degradation: restoration under others' latents, and a map.

J. W. Soh and N. I. Cho's figures 5 to 8 ("Variational Deep Image Restoration", TIP 2022). An image
with noise of sigma 30 is restored under the latent's mean of itself, of another image with the same
noise (itself flipped), and of its clean image with weaker and with stronger noise; the paper tells
neither their levels, here `SWAPS`, nor the crops' size and the map's perplexity, here 96 and 30.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from sklearn import manifold, neighbors

from senm_jax.data import draws
from senm_jax.data import store as store_
from senm_jax.evaluation import patches
from senm_jax.inference import apply
from senm_jax.metrics import psnr
from senm_jax.ops import keys, pixels
from senm_jax.training import platform

SIDE = 96
"""Pixels of the crops; smaller patches whole."""
SIGMA_255 = 30
SWAPS = {"same image": (False, SIGMA_255), "flipped image": (True, SIGMA_255),
         "weaker noise": (False, 10), "stronger noise": (False, 50)}
"""Whose latent is given: (flipped, sigma in 8-bit units)."""
SIGMAS_255 = tuple(range(10, 60, 5))
"""Of the map's points."""
POINTS, PATCHES, SHOWN = 1000, 24, 3
"""Of the map, of the swaps, and of the swaps shown."""
PERPLEXITY = 30.0
_BATCH = 10


class Swap(NamedTuple):
    """One crop restored under each of `SWAPS`."""

    clean: UInt8[np.ndarray, "h w 3"]
    noisy: UInt8[np.ndarray, "h w 3"]
    restored: Mapping[str, UInt8[np.ndarray, "h w 3"]]
    latents: Mapping[str, Float[np.ndarray, "h4 w4 k"]]


class Map(NamedTuple):
    """The latents of many crops, each its mean over places."""

    latents: Float[np.ndarray, "n k"]
    labels: Sequence[str]
    """Of every point: its sigma, or its store."""
    places: Float[np.ndarray, "n 2"]
    """In the plane, by t-SNE."""
    crops: UInt8[np.ndarray, "n h w 3"]
    nearest: float
    """Share of the points whose nearest other point, by the latent itself, has the same label."""


class Result(NamedTuple):
    """One run's latent."""

    name: str
    psnr: Mapping[str, float]
    """Mean over crops in dB under each of `SWAPS`; empty where noise is the stores' own."""
    swaps: Sequence[Swap]
    map: Map
    about: Mapping[str, Any]


def evaluate(
    run, store: store_.Store, *, name: str, seed: int = 0, limit: int | None = None,
    beside: Sequence[store_.Store] = (),
) -> Result:
    """The swaps and the map of a run's latent, on clean crops of a store with white noise added.

    With other stores ``beside``, the map is of the noisy crops of all as they are, labelled by
    store, and nothing is swapped. ``limit`` is the number of points, `POINTS` by default.

    Raises:
        ValueError: the run infers no latent, or the store has no such patches, or too few.
    """
    apply.require(run, "infer")
    count = POINTS if limit is None else limit
    least = 5 * (1 + len(beside))
    if count < least:
        raise ValueError(f"limit: expected at least {least} points, got {limit}")
    infer = platform.jit(run.method.infer)
    measured, swaps = {}, []
    if beside:
        stores = (store, *beside)
        shares = [count // len(stores)] * len(stores)
        side = min(length for each in stores for length in each.patch)
        crops = [_crops(each, "noisy", share, seed, side)
                 for each, share in zip(stores, shares, strict=True)]
        groups = [(pixels.to_float(jnp.asarray(crop)), str(each.path))
                  for crop, each in zip(crops, stores, strict=True)]
        images = np.concatenate([np.asarray(group) for group, _ in groups])
        labels = [label for group, label in groups for _ in group]
    else:
        clean = _crops(store, "clean", count, seed, min(store.patch))
        measured, swaps = _swapped(run, infer, clean[:PATCHES], seed)
        sigmas = [SIGMAS_255[(i + i // len(SIGMAS_255)) % len(SIGMAS_255)] for i in range(count)]
        images = np.concatenate([_noisy(clean[i : i + _BATCH], sigmas[i : i + _BATCH], seed, i)
                                 for i in range(0, count, _BATCH)])
        labels = [f"sigma {sigma}" for sigma in sigmas]
    about = patches.about(run, store, [], seed) | {"beside": [str(each.path) for each in beside]}
    return Result(name, measured, swaps, _map(run, infer, images, labels), about)


def _map(run, infer, images: Float[np.ndarray, "n h w 3"], labels: Sequence[str]) -> Map:
    means = [np.asarray(infer(run.variables, images[i : i + _BATCH])).mean((1, 2))
             for i in range(0, len(images), _BATCH)]
    latents = np.concatenate(means).astype(np.float64)
    other = neighbors.NearestNeighbors(n_neighbors=1).fit(latents).kneighbors(
        return_distance=False)[:, 0]
    names = np.array(labels)
    nearest = float(np.mean(names[other] == names))
    plane = manifold.TSNE(
        perplexity=min(PERPLEXITY, (len(latents) - 1) / 3), init="pca", random_state=0)
    places = plane.fit_transform(latents)
    return Map(latents, labels, places, np.asarray(pixels.to_uint8(jnp.asarray(images))), nearest)


def _swapped(run, infer, clean: UInt8[np.ndarray, "n h w 3"], seed: int):
    """Mean PSNR under each of `SWAPS`, and the first crops in full."""
    restore = platform.jit(run.method.restore_with)
    noisy = _noisy(clean, [SIGMA_255] * len(clean), seed, "noisy")
    restored, latents = {}, {}
    for case, (flipped, sigma) in SWAPS.items():
        given = noisy
        if sigma != SIGMA_255:
            given = _noisy(clean, [sigma] * len(clean), seed, case)
        latents[case] = infer(run.variables, given[:, :, ::-1] if flipped else given)
        made = restore(run.variables, noisy, latents[case])
        restored[case] = np.asarray(pixels.to_uint8(made))
    measured = {case: float(np.mean([psnr.rgb8(*pair) for pair in zip(made, clean, strict=True)]))
                for case, made in restored.items()}
    shown = [Swap(clean[i], np.asarray(pixels.to_uint8(jnp.asarray(noisy[i]))),
                  {case: made[i] for case, made in restored.items()},
                  {case: np.asarray(latent[i]) for case, latent in latents.items()})
             for i in range(min(SHOWN, len(clean)))]
    return measured, shown


def _crops(
    store: store_.Store, side: str, count: int, seed: int, most: int
) -> UInt8[np.ndarray, "n h w 3"]:
    """``count`` random crops, of at most ``most`` pixels a side, of patches spread evenly over the
    store."""
    domain = next((d for d in store_.SIDES if d in store.domains and side in store_.SIDES[d]), None)
    if store.scale != 1:
        raise ValueError(f"{store.path}: expected patches of one size, got pairs whose clean side "
                         f"is {store.scale} times the noisy one; name another store")
    if domain is None:
        raise ValueError(f"{store.path}: expected {side} patches, got {list(store.domains)} alone")
    size = min(SIDE, most) // 4 * 4
    if not size:
        raise ValueError(f"{store.path}: expected patches of at least 4 pixels, got {store.patch}")
    held = len(store.records(domain))
    bits = draws.raw(2 * count, "latent", seed, side).reshape(count, 2)
    row, col = (draws.below(store.patch[axis] - size + 1, bits[:, axis]) for axis in range(2))
    return np.stack([store.read(domain, side, i * held // count, int(row[i]), int(col[i]), size)
                     for i in range(count)])


def _noisy(
    clean: UInt8[np.ndarray, "n h w 3"], sigmas_255: Sequence[int], seed: int, purpose: str | int
) -> Float[np.ndarray, "n h w 3"]:
    """The crops in [0, 1] with white noise, not clipped."""
    key = keys.named(keys.named(jax.random.key(seed), "latent"), str(purpose))
    std = jnp.asarray(sigmas_255, jnp.float32) / 255
    return np.asarray(_add(key, pixels.to_float(jnp.asarray(clean)), std))


@jax.jit
def _add(key: Array, clean: Float[Array, "n h w 3"], std: Float[Array, "n"]) -> Array:
    return clean + std[:, None, None, None] * jax.random.normal(key, clean.shape)

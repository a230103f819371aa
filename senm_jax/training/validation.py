"""Figures and pictures of a method on fixed crops, during training."""

import functools
import logging
import os
import pathlib
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Float, UInt8

from senm_jax.data import degrading
from senm_jax.data import store as store_
from senm_jax.methods import base
from senm_jax.metrics import correlation, psnr
from senm_jax.ops import keys, pixels, resize
from senm_jax.training import pictures, platform

log = logging.getLogger(__name__)

CROPS = 12
SIDE = 128
SHOWN = 6


class Validator:
    """Measures a method on `CROPS` centre crops spread evenly over a store's paired patches.

    The same crops and the same random keys at every step, so that the figures compare. Crops are
    `SIDE` pixels wide, or as wide as the patches and the method allow. Where the store has no
    pairs, ``degrader`` makes them of its clean patches, by each patch's own draws. Residuals and
    PSNR are of images rounded to 8 bits; where noisy images are smaller than clean ones, they are
    enlarged for that by MATLAB's bicubic interpolation, and crops are `SIDE` pixels of the noisy
    side.

    ``names`` lists the figures: a noise model's ``validation/generated_std`` and
    ``_correlation`` (of horizontal neighbours) of ``generated - clean``, beside the real ones;
    a restorer's ``validation/restored_psnr`` beside ``noisy_psnr``, in dB, means over crops.
    """

    def __init__(self, path: str | os.PathLike, method: base.Method, seed: int,
                 degrader: degrading.Degrader | None = None):
        """Raises ValueError: the store is none or has no pairs, its patches are too small, or its
        pairs are of another scale than the method's."""
        store = store_.Store.open(path)
        multiple = max([reach.multiple for reach in (method.sample_reach, method.restore_reach)
                        if reach is not None], default=1)
        make = degrader if degrader and "paired" not in store.domains else None
        scale, taken = (make or store).scale, base.pair_scale(method)
        if scale != taken:
            raise ValueError(
                f"{path}: cannot validate on pairs whose clean side is {scale} times the noisy "
                f"one, this method's is {taken} times; name another store"
            )
        self._clean, self._noisy = _made(store, multiple, make) if make else _crops(store, multiple)
        self._shown = _as_shown(self._noisy, self._clean)
        self._keys = jax.random.split(
            keys.named(jax.random.key(seed), "validation"), len(self._clean)
        )
        self._origin = np.zeros((len(self._clean), 2), np.int32)
        self._method = method
        self._generate = self._over_devices(self._sample) if method.imitate else None
        self._restore = self._over_devices(self._restored) if method.restore else None
        names = ["real_std", "real_correlation", "noisy_psnr"]
        if self._generate:
            names += ["generated_std", "generated_correlation"]
        if self._restore:
            names += ["restored_psnr"]
        self.names = tuple(f"validation/{name}" for name in names)

    def measure(
        self, variables: base.Variables, picture: pathlib.Path | None = None
    ) -> dict[str, float]:
        """The figures by name; writes a preview to ``picture``, or warns that it cannot be."""
        clean, noisy = self._clean, self._shown
        real = residual(noisy, clean)
        figures = {
            "real_std": float(np.std(real)), "real_correlation": neighbour_correlation(real),
            "noisy_psnr": _mean_psnr(noisy, clean),
        }
        same = self._clean.shape == self._noisy.shape
        columns = {"clean": clean, "real noisy" if same else "noisy, bicubic": noisy}
        residuals = {"real noise" if same else "bicubic - clean": real}
        if self._generate:
            generated = self._generate(variables, clean, self._noisy)
            made = residual(generated, clean)
            figures["generated_std"] = float(np.std(made))
            figures["generated_correlation"] = neighbour_correlation(made)
            columns["generated noisy"] = generated
            residuals["generated noise"] = made
        if self._restore:
            restored = self._restore(variables, self._noisy)
            figures["restored_psnr"] = _mean_psnr(restored, clean)
            columns["restored"] = restored
            residuals["restored - clean"] = residual(restored, clean)
        if picture is not None:
            _preview(picture, columns, residuals)
        return {name: figures[name.removeprefix("validation/")] for name in self.names}

    def _over_devices(self, function):
        """(variables, *images) -> images; the rows are split over this process's devices."""
        mesh = jax.sharding.Mesh(np.array(jax.local_devices()), ("data",))
        split = NamedSharding(mesh, PartitionSpec("data"))
        whole = NamedSharding(mesh, PartitionSpec())
        count = len(self._clean)
        order = np.resize(np.arange(count), -(-count // mesh.size) * mesh.size)
        compiled = platform.jit(function)

        def apply(variables, *images):
            rows = [jax.device_put(each[order], split)
                    for each in (*images, self._keys, self._origin)]
            return np.asarray(compiled(jax.device_put(variables, whole), *rows))[:count]

        return apply

    def _sample(self, variables, clean, noisy, key, origin):
        clean, noisy = pixels.to_float(clean), pixels.to_float(noisy)
        conditions = self._method.imitate(variables, clean, noisy)
        sampled = self._method.sample(variables, clean, key, conditions, origin)
        return pixels.to_uint8(sampled)

    def _restored(self, variables, noisy, key, origin):
        restored = self._method.restore(variables, pixels.to_float(noisy), key, origin)
        return pixels.to_uint8(restored)


def residual(
    image: UInt8[np.ndarray, "b h w 3"], clean: UInt8[np.ndarray, "b h w 3"]
) -> Float[np.ndarray, "b h w 3"]:
    """``image - clean`` in [-1, 1]."""
    return (image.astype(np.float64) - clean) / 255


def neighbour_correlation(noise: Float[np.ndarray, "b h w 3"]) -> float:
    """Correlation of horizontal neighbours, all crops and channels pooled."""
    gathered = functools.reduce(correlation.add, (correlation.sums(each, 1) for each in noise))
    return correlation.neighbour(correlation.pooled(gathered))[0]


def _preview(
    path: pathlib.Path, columns: Mapping[str, np.ndarray], residuals: Mapping[str, np.ndarray]
) -> None:
    try:
        pictures.write(path, {name: rows[:SHOWN] for name, rows in columns.items()},
                       {name: rows[:SHOWN] for name, rows in residuals.items()})
    except OSError as error:
        log.warning("%s; the run goes on without this preview", error)


def _mean_psnr(images: np.ndarray, clean: np.ndarray) -> float:
    """Mean over the images; 100 dB stands for equal ones, whose PSNR is infinite."""
    each = [psnr.rgb8(*pair) for pair in zip(images, clean, strict=True)]
    return float(np.mean(np.minimum(each, 100.0)))


def _crops(store: store_.Store, multiple: int) -> tuple[np.ndarray, np.ndarray]:
    """(clean, noisy) of the pairs, uint8."""
    _, clean = _centres(store, "paired", "clean", multiple, store.scale)
    return clean, _centres(store, "paired", "noisy", multiple, 1)[1]


def _made(
    store: store_.Store, multiple: int, degrader: degrading.Degrader
) -> tuple[np.ndarray, np.ndarray]:
    """(clean, noisy) made of the clean patches, uint8 and float32."""
    chosen, clean = _centres(store, "source", "clean", multiple, degrader.scale)
    bits = np.concatenate([degrading.bits(1, "validation", i) for i in chosen])
    rows = degrader.rows(clean, bits)
    return rows["clean"], rows["noisy"]


def _centres(
    store: store_.Store, domain: str, side: str, multiple: int, scale: int
) -> tuple[list[int], np.ndarray]:
    """Numbers and centre crops of patches, ``scale`` times as large as the noisy ones are to be.
    Those of both sides of a pair show the same."""
    count, patch = len(store.records(domain)), store.patch_of(side)
    size = min(SIDE, min(patch) // scale) // multiple * multiple * scale
    if not size:
        raise ValueError(
            f"{store.path}: expected patches of at least {multiple * scale} pixels to validate on, "
            f"got {patch}"
        )
    unit = store.scale if side == "clean" else 1
    row, col = ((length - size) // unit // 2 * unit for length in patch)
    chosen = np.unique(np.linspace(0, count - 1, CROPS).round().astype(int)).tolist()
    return chosen, np.stack([store.read(domain, side, i, row, col, size) for i in chosen])


def _as_shown(noisy: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """The noisy images in 8 bits and as large as the clean ones."""
    scale = clean.shape[1] / noisy.shape[1]
    if scale != 1:
        noisy = pixels.to_float(jnp.asarray(noisy))
        noisy = np.stack([resize.bicubic(image, scale) for image in noisy])
    return noisy if noisy.dtype == np.uint8 else np.asarray(pixels.to_uint8(jnp.asarray(noisy)))

"""A restorer on the pairs of a test store, by named protocol.

Restored images are clipped to [0, 1] and rounded to 8 bits. PSNR is over R, G, B of the whole
patch (KAIR, SIDD); SSIM is given in the 2-D form of KAIR, DANet and NAFlow and in the 3-D form of
the SIDD server, NAFNet and MIRNet. All are means over patches, and stand beside those of the noisy
input itself; that of super-resolution, which is smaller, is enlarged for this by MATLAB's bicubic
interpolation. LPIPS is measured too where its weights are given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from senm_jax.data import store as store_
from senm_jax.evaluation import degraded, patches
from senm_jax.inference import apply, ensemble
from senm_jax.methods import base
from senm_jax.metrics import lpips, psnr, ssim
from senm_jax.ops import pixels

PROTOCOLS = {"psnr_rgb": psnr.rgb8, "ssim_2d": ssim.gaussian_2d, "ssim_3d": ssim.volume_3d}


class Example(NamedTuple):
    """One patch as pictures, uint8."""

    noisy: UInt8[np.ndarray, "h w 3"]
    """As large as the others."""
    restored: UInt8[np.ndarray, "h w 3"]
    clean: UInt8[np.ndarray, "h w 3"]


class Result(NamedTuple):
    """One restorer on one store."""

    name: str
    rows: Mapping[str, patches.Row]
    """Figures by group, see `patches.by_configuration`, then by name."""
    each: Sequence[Mapping[str, float]]
    """Figures of every patch, in the order of ``about["indices"]``."""
    configurations: Sequence[str]
    """Of every patch."""
    examples: Sequence[Example]
    about: Mapping[str, Any]


def evaluate(
    run,
    store: store_.Store,
    *,
    name: str,
    seed: int = 0,
    limit: int | None = None,
    batch: int | None = None,
    examples: int = 3,
    self_ensemble: bool = False,
    perceptual: lpips.Weights | None = None,
) -> Result:
    """The figures of a run's restorer on the pairs of a store.

    With ``self_ensemble`` a result is the mean over the image's symmetries (`inference.ensemble`).
    With ``perceptual`` the LPIPS of what is restored is measured too.

    Raises:
        ValueError: the run cannot restore, or by another scale than the store's pairs are of, or
            there are no pairs.
    """
    apply.require(run, "restore")
    scale = base.pair_scale(run.method)
    if scale != store.scale:
        raise ValueError(
            f"{run.path}: enlarges images {scale} times, and the clean side of the pairs in "
            f"{store.path} is {store.scale} times the noisy one: they cannot measure it"
        )
    indices = patches.choose(store, limit, scale)
    shown = set(indices[:: -(-len(indices) // examples)])
    way = ensemble if self_ensemble else apply
    plan = way.layout(run, "restore", [store.patch_of("noisy")] * len(indices), batch=batch)
    each, kept = [], []
    for part in patches.batches(store, indices, plan.batch if plan else 1, f"restoring by {name}"):
        image_keys = [apply.image_key(seed, f"patch {index}") for index in part.indices]
        noisy = list(patches.to_float(part.noisy))
        restored = patches.to_uint8(np.stack(way.restore_all(run, noisy, image_keys, plan)))
        plain = patches.to_uint8(np.stack([degraded.enlarge(image, scale) for image in noisy]))
        for i, index in enumerate(part.indices):
            each.append(_measure(part.clean[i], plain[i], restored[i], perceptual))
            if index in shown:
                kept.append(Example(plain[i], restored[i], part.clean[i]))
    configurations = patches.labels(store, indices)
    return Result(
        name=name,
        rows=patches.by_configuration(each, configurations, summarise),
        each=each,
        configurations=configurations,
        examples=kept,
        about=patches.about(run, store, indices, seed)
        | {"self_ensemble": self_ensemble, "scale": scale},
    )


def summarise(each: Sequence[Mapping[str, float]]) -> patches.Row:
    """Means over patches by name."""
    means = {name: float(np.mean([values[name] for values in each])) for name in each[0]}
    return {"patches": len(each)} | means


def _measure(
    clean: UInt8[np.ndarray, "h w 3"],
    noisy: UInt8[np.ndarray, "h w 3"],
    restored: UInt8[np.ndarray, "h w 3"],
    perceptual: lpips.Weights | None,
) -> dict[str, float]:
    images = {"noisy": noisy, "restored": restored}
    figures = {f"{side}_{protocol}": measure(image, clean)
               for protocol, measure in PROTOCOLS.items() for side, image in images.items()}
    if perceptual is not None:
        pair = (pixels.to_float(jnp.asarray(image[None])) for image in (restored, clean))
        figures["restored_lpips"] = float(lpips.lpips(perceptual, *pair)[0])
    return figures

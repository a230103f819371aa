"""Restorers on whole clean photographs that are degraded in a known way, beside doing nothing.

The protocols of VDIR (Soh and Cho 2022, Tables I and IV to VII). Restored images are clipped to
[0, 1] and rounded to 8 bits. What nothing was done to is the noisy image itself, treated alike, or,
where it is smaller, its enlargement by MATLAB's bicubic interpolation. Y is MATLAB's luma of the
8-bit image, rounded to 8 bits; where the luma alone was degraded, Y is that. As many pixels as the
scale are left out at each border where images are enlarged, none elsewhere. SSIM is KAIR's 2-D
form. Figures are means over images.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import tqdm
from jaxtyping import Float32, UInt8

from senm_jax.data import degrading, images, pairing
from senm_jax.inference import apply, stream
from senm_jax.metrics import psnr, ssim
from senm_jax.ops import colour, pixels, resize
from senm_jax.training import runs

SHOWN = 3
"""Images that the report shows."""


class Photographs(NamedTuple):
    """Clean photographs, a way to degrade them, and the seed of its draws."""

    files: Mapping[str, Path]
    """By name: the path below the folder."""
    degrader: degrading.Degrader
    seed: int

    def degraded(self, name: str) -> degrading.Degraded:
        """The photograph of that name, degraded; ValueError where it is no image or too small."""
        path = self.files[name]
        clean = images.read_rgb8(path) / np.float32(255)
        try:
            return self.degrader(clean, degrading.bits(1, self.seed, name)[0])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def measured(
        self, name: str, image: UInt8[np.ndarray, "h w 3"], made: degrading.Degraded
    ) -> dict[str, float]:
        """`measure` of an image against what was to be restored; ValueError where it is too small.
        """
        try:
            return measure(image, _to_uint8(made.clean), self.degrader)
        except ValueError as error:
            raise ValueError(f"{self.files[name]}: {error}") from None


class Result(NamedTuple):
    """One way to restore the photographs."""

    name: str
    figures: Mapping[str, float]
    """Means by name."""
    each: Mapping[str, Mapping[str, float]]
    """Figures by photograph."""
    shown: Mapping[str, UInt8[np.ndarray, "h w 3"]]
    """The first `SHOWN` restored photographs."""
    about: Mapping[str, Any]


def photographs(
    root: str | os.PathLike, degrader: degrading.Degrader, seed: int = 0, limit: int | None = None
) -> Photographs:
    """The photographs under ``root``, the first ``limit`` of them by name.

    Raises:
        ValueError: there is none.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected at least 1, got {limit}")
    files = {pairing.below(path, Path(root)): path for path in images.find(root)}
    if not files:
        raise ValueError(f"{root}: found no image; looked for {', '.join(images.SUFFIXES)}")
    return Photographs(dict(list(files.items())[:limit]), degrader, seed)


def untouched(of: Photographs) -> Result:
    """The figures of doing nothing: the degraded photographs, enlarged where they are smaller."""
    name = "bicubic" if of.degrader.scale > 1 else "degraded"
    each, shown = {}, {}
    for file in tqdm.tqdm(of.files, desc="degrading", unit="image"):
        made = of.degraded(file)
        plain = _to_uint8(enlarge(made.noisy, of.degrader.scale))
        each[file] = of.measured(file, plain, made)
        shown |= {file: plain} if len(shown) < SHOWN else {}
    return _result(name, each, shown, {})


def restored(run, of: Photographs, *, name: str, batch: int | None = None) -> Result:
    """The figures of a run's restorer, which is given the degraded photographs unrounded.

    One that is told the level of noise is told that of white noise of one strength; of any other
    degradation it believes its config.

    Raises:
        ValueError: the run cannot restore, or gives images of another size than the clean ones, or
            a file cannot be used.
    """
    apply.require(run, "restore")
    if run.method.takes_level and of.degrader.level:
        run = runs.at_level(run, of.degrader.level)
    files, scale = list(of.files), of.degrader.scale
    sizes = [tuple(side // scale for side in images.read_size(of.files[file])) for file in files]
    plan = apply.layout(run, "restore", sizes, batch=batch)
    each, shown, problems = {}, {}, []

    def compute(numbers, made, tick):
        keys = [apply.image_key(of.seed, files[i]) for i in numbers]
        return apply.restore_all(run, [one.noisy for one in made], keys, plan, tick)

    with stream.precision(run):
        for i, made, result in stream.process(
            sizes, plan, lambda i: True, lambda i: of.degraded(files[i]), compute, problems,
            f"restoring by {name}", lambda i: of.files[files[i]],
        ):
            if result.shape != made.clean.shape:
                raise ValueError(
                    f"{run.path}: expected images {scale} times as large as those it is given, got "
                    f"{result.shape[:2]} of {made.noisy.shape[:2]}"
                )
            plain = _to_uint8(result)
            each[files[i]] = of.measured(files[i], plain, made)
            shown |= {files[i]: plain} if files[i] in files[:SHOWN] else {}
    if problems:
        raise ValueError("; ".join(problems))
    return _result(name, each, shown, {"run": str(run.path), "step": run.step})


def enlarge(noisy: Float32[np.ndarray, "h w 3"], scale: int) -> Float32[np.ndarray, "H W 3"]:
    """The image ``scale`` times as large, by MATLAB's bicubic interpolation."""
    return noisy if scale == 1 else np.asarray(resize.bicubic(jnp.asarray(noisy), float(scale)))


def measure(
    image: UInt8[np.ndarray, "h w 3"], clean: UInt8[np.ndarray, "h w 3"],
    degrader: degrading.Degrader,
) -> dict[str, float]:
    """PSNR in dB and SSIM of R, G, B and of Y; of Y alone where nothing else is restored."""
    border = degrader.scale if degrader.scale > 1 else 0
    pair = [psnr.crop(each, border) for each in (image, clean)]
    luma = [each[..., 0] if degrader.luma else colour.luma8(each) for each in pair]
    figures = {"psnr_y": psnr.rgb8(*luma), "ssim_y": ssim.gaussian_2d(*luma)}
    if not degrader.luma:
        figures |= {"psnr_rgb": psnr.rgb8(*pair), "ssim_rgb": ssim.gaussian_2d(*pair)}
    return figures


def _result(name: str, each: Mapping, shown: Mapping, about: Mapping) -> Result:
    first = next(iter(each.values()))
    means = {key: float(np.mean([values[key] for values in each.values()])) for key in first}
    return Result(name, means, each, shown, about)


def _to_uint8(image: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return np.asarray(pixels.to_uint8(jnp.asarray(image)))

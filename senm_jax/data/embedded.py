"""Photographs at hand without a download: those in scikit-image's wheel, and a simulated camera.

They stand in for real ones in the quickstart and in tests: the camera is what a noise model has to
learn, of which it sees a few pairs and noisy photographs of other scenes.
"""

import functools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import skimage.data
import tqdm
from jaxtyping import UInt8
from PIL import Image

from senm_jax.data import images, layout, packing
from senm_jax.degradations import camera as camera_
from senm_jax.ops import keys, pixels

PHOTOGRAPHS = {
    "clean": ("astronaut.png", "motorcycle_left.png"),
    "noisy": ("hubble_deep_field.jpg", "ihc.png", "retina.jpg"),
    "pairs": ("chelsea.png",),
    "test": ("coffee.png", "rocket.jpg"),
}
"""Which scene serves what; none serves twice."""
MODEL = "simulated camera"
HEIGHT, WIDTH = 384, 512
"""Photographs are cut to this around their centre."""
_MODEL_TAG, _EXIF_IFD, _ISO_TAG = 0x0110, 0x8769, 0x8827


def write(
    out: str | os.PathLike, *, gains: Sequence[float], camera: camera_.Camera = camera_.Camera(),
    pairs: int = 4, patch: int = 96, seed: int = 0,
) -> Path:
    """Writes the folder ``out`` of PNG photographs and returns its path; it appears whole.

    ``clean`` and ``noisy`` hold photographs of different scenes; ``pairs/clean`` and
    ``pairs/noisy`` hold, for each gain, ``pairs`` pieces of ``patch`` squared pixels;
    ``test/clean`` and ``test/noisy`` whole photographs. Noisy ones carry the camera's name and
    their ISO, 100 times the gain, as EXIF.

    Raises:
        ValueError: ``out`` exists, or scikit-image came without one of the photographs.
    """
    out = Path(out)
    layout.refuse_existing(out)
    partial = out.with_name(out.name + layout.PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    scenes = [(use, name) for use, names in PHOTOGRAPHS.items() for name in names]
    for use, name in tqdm.tqdm(scenes, desc="photographs", unit="scene"):
        scene, clean = Path(name).stem, _read(name)
        if use == "clean":
            _save(partial / "clean" / f"{scene}.png", clean)
            continue
        for gain in gains:
            iso = round(100 * gain)
            key = keys.named(jax.random.key(seed), f"{name} {iso}")
            noisy = _expose(camera)(key, clean, gain)
            if use == "noisy":
                _save(partial / "noisy" / f"{scene}_{iso}.png", noisy, iso)
                continue
            windows = {"": np.s_[:, :]}
            if use == "pairs":
                corners = packing.positions(*clean.shape[:2], patch, pairs, seed, name, iso)
                windows = {f"_{i}": np.s_[row : row + patch, col : col + patch]
                           for i, (row, col) in enumerate(corners)}
            for piece, window in windows.items():
                label = f"{scene}_{iso}{piece}.png"
                _save(partial / use / "clean" / label, clean[window])
                _save(partial / use / "noisy" / label, noisy[window], iso)
    os.replace(partial, out)
    return out


def _read(name: str) -> UInt8[np.ndarray, "h w 3"]:
    """The photograph's middle; ValueError where scikit-image came without it."""
    path = Path(skimage.data.data_dir) / name
    if not path.is_file():
        raise ValueError(f"{path}: expected this photograph inside scikit-image, found none; "
                         "install scikit-image from its wheel")
    image = images.read_rgb8(path)
    top, left = (max(0, n - most) // 2 for n, most in zip(image.shape, (HEIGHT, WIDTH)))
    return image[top : top + HEIGHT, left : left + WIDTH]


@functools.lru_cache(maxsize=1)
def _expose(camera: camera_.Camera):
    """`camera.expose` compiled, between 8-bit images."""
    def expose(key, clean, gain):
        return pixels.to_uint8(camera_.expose(key, pixels.to_float(clean), gain, camera))

    compiled = jax.jit(expose)
    return lambda key, clean, gain: np.asarray(compiled(key, clean, gain))


def _save(path: Path, image: UInt8[np.ndarray, "h w 3"], iso: int | None = None) -> None:
    exif = Image.Exif()
    if iso is not None:
        exif[_MODEL_TAG] = MODEL
        exif.get_ifd(_EXIF_IFD)[_ISO_TAG] = iso
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, exif=exif)

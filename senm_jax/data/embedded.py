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

CLEAN = ("astronaut.png", "chelsea.png", "motorcycle_left.png")
NOISY = ("hubble_deep_field.jpg", "ihc.png", "retina.jpg")
TEST = ("coffee.png", "rocket.jpg")
"""Scenes of which one sees the clean photograph, the noisy ones, and those kept for testing."""
MODEL = "simulated camera"
HEIGHT, WIDTH = 384, 512
"""Photographs are cut to this around their centre."""
_MODEL_TAG, _EXIF_IFD, _ISO_TAG = 0x0110, 0x8769, 0x8827


def write(
    out: str | os.PathLike, *, gains: Sequence[float], camera: camera_.Camera = camera_.Camera(),
    pairs: int = 1, patch: int = 96, seed: int = 0,
) -> Path:
    """Writes the folder ``out`` of PNG photographs and returns its path; it appears whole.

    ``clean`` and ``noisy`` hold photographs of different scenes; ``pairs/clean`` and
    ``pairs/noisy``, for each of these scenes and each gain, ``pairs`` pieces of ``patch`` squared
    pixels; ``test/clean`` and ``test/noisy`` photographs of further scenes. Noisy ones carry the
    camera's name and their ISO, 100 times the gain, as EXIF.

    Raises:
        ValueError: ``out`` exists, or scikit-image came without one of the photographs.
    """
    out = Path(out)
    layout.refuse_existing(out)
    partial = out.with_name(out.name + layout.PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    for name in tqdm.tqdm((*CLEAN, *NOISY, *TEST), desc="photographs", unit="scene"):
        scene, clean = Path(name).stem, _read(name)
        if name in CLEAN:
            _save(partial / "clean" / f"{scene}.png", clean)
        for gain in gains:
            iso = round(100 * gain)
            key = keys.named(jax.random.key(seed), f"{name} {iso}")
            noisy, label = _expose(camera)(key, clean, gain), f"{scene}_{iso}"
            if name in NOISY:
                _save(partial / "noisy" / f"{label}.png", noisy, iso)
            if name in TEST:
                _save_pair(partial / "test", label, clean, noisy, iso)
                continue
            corners = packing.positions(*clean.shape[:2], patch, pairs, seed, name, iso)
            for i, (row, col) in enumerate(corners):
                window = np.s_[row : row + patch, col : col + patch]
                _save_pair(partial / "pairs", f"{label}_{i}", clean[window], noisy[window], iso)
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


def _save_pair(folder: Path, label: str, clean: np.ndarray, noisy: np.ndarray, iso: int) -> None:
    _save(folder / "clean" / f"{label}.png", clean)
    _save(folder / "noisy" / f"{label}.png", noisy, iso)


def _save(path: Path, image: UInt8[np.ndarray, "h w 3"], iso: int | None = None) -> None:
    exif = Image.Exif()
    if iso is not None:
        exif[_MODEL_TAG] = MODEL
        exif.get_ifd(_EXIF_IFD)[_ISO_TAG] = iso
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, exif=exif)

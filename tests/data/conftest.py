"""Photographs and stores that tests of the data room share."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from senm_jax.data import store, writing


def make_scene(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth random colour image with detail of several sizes, uint8."""
    rng = np.random.default_rng(seed)
    layers = [
        ndimage.gaussian_filter(rng.standard_normal((height, width, 3)), (std, std, 0)) * std
        for std in (1, 3, 9)
    ]
    image = sum(layers)
    return np.clip(128 + 40 * image / image.std(), 0, 255).astype(np.uint8)


def add_noise(clean: np.ndarray, std_255: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, std_255, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


@pytest.fixture
def scene():
    return make_scene


@pytest.fixture
def noisy():
    return add_noise


@pytest.fixture
def save():
    """Saves an array as an image by suffix, making its folder."""

    def save(path: pathlib.Path, image: np.ndarray, **options) -> pathlib.Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **options)
        return path

    return save


@pytest.fixture
def fill():
    """Writes patches of every domain, tagged with camera and ISO, to a writer."""

    def fill(writer: writing.Writer, count: int = 6, first: int = 0, patch=(40, 56)) -> None:
        for i in range(first, first + count):
            rng = np.random.default_rng(i)
            clean, noisy = rng.integers(0, 256, (2, *patch, 3), np.uint8)
            tags = {"camera": f"camera {i % 2}", "iso": 100 * (1 + i % 3)}
            writer.add(
                "paired", clean=clean, noisy=noisy, level=0.1, source=f"{i}.png",
                position=(i, 2 * i), **tags,
            )  # fmt: skip
            writer.add("source", clean=noisy, source=f"source {i}.png")
            writer.add("target", noisy=clean, source=f"target {i}.png", **tags)

    return fill


@pytest.fixture
def fill_enlarged():
    """Writes pairs whose clean side is larger by the scale, to a writer."""

    def fill_enlarged(writer: writing.Writer, count=5, scale=4, patch=(16, 24)):
        small = tuple(length // scale for length in patch)
        for i in range(count):
            rng = np.random.default_rng(i)
            clean, noisy = (rng.integers(0, 256, (*size, 3), np.uint8) for size in (patch, small))
            writer.add("paired", clean=clean, noisy=noisy, source=f"{i}.png")

    return fill_enlarged


@pytest.fixture
def small_store(tmp_path, fill):
    with writing.Writer(tmp_path / "small", patch=(40, 56), about={"made_by": "test"}) as writer:
        fill(writer)
    return store.Store.open(tmp_path / "small")


@pytest.fixture
def real_data() -> pathlib.Path:
    """The folder of real photographs, or a skip."""
    folder = os.environ.get("SENM_DATA")
    if not folder or not pathlib.Path(folder, "polyu", "scenes.json").is_file():
        pytest.skip("SENM_DATA names no folder with polyu/scenes.json")
    return pathlib.Path(folder)

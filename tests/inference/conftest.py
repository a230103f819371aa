"""Small runs and photographs that the tests of inference share."""

import numpy as np
import pytest
from inference import small
from PIL import Image

from senm_jax.data import writing


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """A store of 16x16 patches: 6 pairs of levels 0.01 to 0.06, 5 source, 4 target patches."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "real"
    with writing.Writer(path, patch=(16, 16), about={}) as writer:
        for i in range(15):
            clean = rng.integers(60, 190, (1, 1, 3)) + np.arange(16)[:, None, None] * np.ones(3)
            clean = np.broadcast_to(clean, (16, 16, 3)).astype(np.uint8)
            noisy = (clean + rng.normal(size=clean.shape) * 2.55 * (i + 1)).clip(0, 255)
            noisy = noisy.astype(np.uint8)
            if i < 6:
                level = 0.01 * (i + 1)
                writer.add("paired", clean=clean, noisy=noisy, level=level, source=f"p{i}")
            elif i < 11:
                writer.add("source", clean=clean, source=f"s{i}")
            else:
                writer.add("target", noisy=noisy, source=f"t{i}")
    return path


@pytest.fixture(scope="session")
def white(tmp_path_factory, real):
    """A run of white Gaussian noise whose training store is ``real``."""
    return small.white(tmp_path_factory.mktemp("runs") / "white", (str(real),))


@pytest.fixture(scope="session")
def dncnn(tmp_path_factory):
    """A run of a small restorer with random weights."""
    return small.dncnn(tmp_path_factory.mktemp("runs") / "dncnn")


@pytest.fixture
def photos(tmp_path):
    """A folder of small images of several kinds, three of them unreadable."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(2)

    def picture(*shape):
        return rng.integers(30, 220, shape, dtype=np.uint8)

    Image.fromarray(picture(40, 25, 3)).save(folder / "a.png")
    exif = Image.Exif()
    exif[271], exif[0x0112] = "Maker", 6
    Image.fromarray(picture(18, 30, 3)).save(folder / "b.jpg", exif=exif)
    Image.fromarray(picture(1, 1, 3)).save(folder / "sub" / "one.png")
    Image.fromarray(picture(20, 21)).save(folder / "grey.png")
    Image.fromarray(picture(17, 19, 4)).save(folder / "alpha.png")
    deep = rng.integers(0, 2**16, (16, 23), dtype=np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    (folder / "text.png").write_text("no image")
    (folder / "empty.png").write_bytes(b"")
    whole = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    return folder

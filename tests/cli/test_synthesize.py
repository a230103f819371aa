"""``senm-jax synthesize``: from words to a store and to images."""

import numpy as np
import pytest
from inference import small
from PIL import Image

from senm_jax.cli import main
from senm_jax.data import store
from senm_jax.training import platform


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of white Gaussian noise; JAX is left as the tests have it."""
    monkeypatch.setattr(platform, "start", lambda **_: None)
    return str(small.white(tmp_path / "run").path)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "ab":
        Image.fromarray(np.full((40, 30, 3), 120, np.uint8)).save(folder / f"{name}.png")
    return str(folder)


def test_makes_a_store_by_the_flags(run, photos, tmp_path, capsys):
    out = tmp_path / "made"
    words = ["--level", "0.1", "--patch", "16", "--per-image", "3", "--seed", "5", "--match-mean"]
    assert main.main(
        ["synthesize", "--run", run, "--clean", photos, "--out", str(out), *words]
    ) == 0
    assert "6 pairs made, 0 were there" in capsys.readouterr().out
    made = store.Store.open(out)
    assert made.patch == (16, 16) and len(made) == 6
    noisy = made.images("paired", "noisy")[:].astype(float)
    np.testing.assert_allclose(noisy.mean((1, 2)), 120, atol=0.5)  # matched means
    np.testing.assert_allclose(noisy.std((1, 2, 3)) / 255, 0.1, rtol=0.15)
    assert made.records("paired")[0]["origin"]["seed"] == 5


def test_makes_images_and_says_what_it_left_out(run, photos, tmp_path, capsys):
    (tmp_path / "photos" / "c.png").write_text("no image")
    command = ["synthesize", "--run", run, "--clean", photos, "--out", str(tmp_path / "made"),
               "--as", "images", "--level", "0:0.2"]
    assert main.main(command) == 1
    said = capsys.readouterr()
    assert "2 images made" in said.out and "c.png: is no PNG" in said.err
    assert Image.open(tmp_path / "made" / "noisy" / "b.png").size == (30, 40)


def test_pre_noise_is_asked_for_by_its_flag(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "start", lambda **_: None)
    run, out = str(small.lud_vae(tmp_path / "lud").path), tmp_path / "made"
    command = ["synthesize", "--run", run, "--clean", photos, "--out", str(out), "--patch", "16",
               "--per-image", "1", "--pre-noise", "0.125", "--temperature", "2"]
    assert main.main(command) == 0
    for record in store.Store.open(out).records("paired"):
        assert record["origin"]["conditions"] == {"pre_noise": 0.125, "temperature": 2.0}
        assert record["level"] is None


def test_refusals_are_one_line(run, photos, tmp_path, capsys):
    command = ["synthesize", "--run", run, "--clean", photos, "--out", str(tmp_path / "made"),
               "--patch", "16"]
    assert main.main([*command, "--temperature", "2"]) == 1
    assert "--temperature: this method takes ['level']" in capsys.readouterr().err
    assert main.main(command) == 1
    assert "names no training stores to be like; give a level" in capsys.readouterr().err
    assert main.main([*command, "--per-image", "0"]) == 1
    assert "--per-image: expected at least 1, got 0" in capsys.readouterr().err

"""Super-resolution from learnt degradation: every command in turn, and what it refuses."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from senm_jax.cli import main
from senm_jax.data import store
from senm_jax.training import platform

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Folders of photographs; JAX is left as the tests have it."""
    monkeypatch.setattr(platform, "start", lambda **_: None)
    random = np.random.default_rng(0)

    def write(name, *shape):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        image = np.kron(random.integers(40, 200, (-(-shape[0] // 8), -(-shape[1] // 8), 3)),
                        np.ones((8, 8, 1)))[: shape[0], : shape[1]]
        Image.fromarray(np.clip(image + random.normal(0, 4, image.shape), 0, 255)
                        .astype(np.uint8)).save(path)

    for i in range(2):
        write(f"clean/{i}.png", 66, 70)
        write(f"noisy/{i}.png", 24, 24)
    write("odd/a.png", 5, 7)
    return tmp_path


def _run(*words):
    assert main.main([str(word) for word in words]) == 0, words


def _train(config, store_path, run, *more):
    return main.main(["train", "--config", f"{CONFIGS / config}:tiny", "--workdir", str(run),
                      f"--config.data.stores={store_path}", *more])


def test_from_photographs_to_enlarged_ones(photos, capsys):
    at = photos.__truediv__
    _run("degrade", at("clean"), "--kind", "bicubic,scale=4", "--out", at("small"))
    _run("prepare", "folder", at("unpaired"), "--clean", at("small"), "--noisy", at("noisy"),
         "--patch", 16)
    assert _train("lud_vae/ntire20.py", at("unpaired"), at("noise"), "--config.hyper.layers=1",
                  "--config.hyper.width=4") == 0
    _run("synthesize", "--run", at("noise"), "--clean", at("clean"), "--out", at("made"),
         "--scale", 4, "--patch", 48, "--per-image", 2)
    made = store.Store.open(at("made"))
    assert made.scale == 4 and made.images("paired", "noisy").shape == (4, 12, 12, 3)

    assert _train("esrgan/ntire20.py", at("made"), at("sr"),
                  f"--config.data.validation={at('made')}", "--config.validate_every=4",
                  "--config.hyper.discriminator_width=2", "--config.hyper.growth=2") == 0
    assert list(at("sr").rglob("*.png"))  # the preview
    _run("restore", "--run", at("sr"), at("odd"), "--out", at("restored"))
    assert Image.open(at("restored") / "a.png").size == (28, 20)
    capsys.readouterr()
    _run("evaluate", "restorer", "--run", at("sr"), "--store", at("made"), "--out", at("report"))
    assert "noisy input enlarged by bicubic interpolation" in capsys.readouterr().out
    row = json.loads((at("report") / "report.json").read_text())["sections"][0]["tables"][0]
    assert np.isfinite(row["rows"][0]["restored_psnr_rgb"])

    assert _train("senm_vae_paired/polyu.py", at("made"), at("wrong"),
                  "--config.data.validation=") == 1
    assert "clean side of these pairs is 4 times the noisy one" in capsys.readouterr().err


def test_images_of_two_sizes_are_packed(photos, capsys):
    at = photos.__truediv__
    _run("degrade", at("clean"), "--kind", "bicubic,scale=4", "--out", at("small"))
    words = ["prepare", "folder", at("pairs"), "--pairs", at("clean"), at("small"), "--patch", 16]
    assert main.main([*map(str, words), "--scale", "4"]) == 1  # 66 x 70 are no multiples of 4
    assert "expected clean to be exactly 4 times noisy" in capsys.readouterr().out
    for path in at("clean").iterdir():
        Image.open(path).crop((0, 0, 68, 64)).save(path)
    _run(*words, "--scale", 4)
    assert "patches of 16 x 16 (noisy ones 4 x 4)" in capsys.readouterr().out

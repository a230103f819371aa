"""``senm-jax degrade``: names kept, bits that repeat, errors by file."""

import json

import numpy as np
import pytest
from PIL import Image

from senm_jax.cli import main
from senm_jax.data import degrading, images, store
from senm_jax.degradations import parameters
from senm_jax.training import platform


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photographs in a folder and one below it; JAX is left as the tests have it."""
    monkeypatch.setattr(platform, "start", lambda **_: None)
    random = np.random.default_rng(0)
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for i, name in enumerate(("a.png", "inner/b.jpg")):
        coarse = random.integers(40, 200, (5, 6 + i, 3))
        Image.fromarray(np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)).save(folder / name)
    Image.fromarray(np.full((9, 7), 90, np.uint8)).save(folder / "grey.png")
    return folder


def run(*words) -> int:
    return main.main(["degrade", *map(str, words)])


def pixels(path):
    return np.asarray(Image.open(path))


def test_keeps_names_and_repeats(photos, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["--kind", "awgn", "--sigma", "20", photos, "--seed", "4", "--out"]
    assert run(*words, out) == 0
    assert "3 images degraded, 0 were there" in capsys.readouterr().out
    noise = pixels(out / "a.png").astype(float) - pixels(photos / "a.png")
    assert 18 < noise.std() < 22
    assert pixels(out / "inner" / "b.png").shape == (40, 56, 3)
    assert pixels(out / "grey.png").shape == (9, 7)
    (out / "a.png").unlink()
    kept = (out / "inner" / "b.png").read_bytes()
    assert run(*words, out) == 0
    assert "1 images degraded, 2 were there" in capsys.readouterr().out
    assert run("--kind", "awgn,sigma_255=20", photos / "a.png", "--seed", 4, "--out",
               tmp_path / "one") == 0
    np.testing.assert_array_equal(pixels(out / "a.png"), pixels(tmp_path / "one" / "a.png"))
    assert (out / "inner" / "b.png").read_bytes() == kept
    about = json.loads((out / "degradation.json").read_text())["about"]
    assert about["name"] == "awgn" and about["parameters"] == {"sigma_255": [20.0]}


def test_another_way_needs_another_folder(photos, tmp_path, capsys):
    assert run("--kind", "jpeg", "--quality", "10", "--luma", "true", photos, "--out",
               tmp_path / "out") == 0
    assert pixels(tmp_path / "out" / "a.png").ndim == 2
    words = ["--kind", "jpeg", "--quality", "10:20", photos, "--out", tmp_path / "out"]
    assert run(*words) == 1
    assert "holds what another call made" in capsys.readouterr().err
    assert run(*words, "--overwrite") == 0
    assert pixels(tmp_path / "out" / "a.png").ndim == 3


def test_smaller_images_and_what_cannot_be_used(photos, tmp_path, capsys):
    (photos / "bad.png").write_text("no")
    Image.fromarray(np.zeros((3, 9, 3), np.uint8)).save(photos / "small.png")
    assert run("--kind", "bicubic", "--scale", "4", photos, "--out", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "3 images degraded" in said.out and "2 files were left out" in said.err
    assert "bad.png: is no PNG" in said.err
    assert "small.png: expected an image of at least 4 pixels a side, got 3 x 9" in said.err
    assert pixels(tmp_path / "out" / "a.png").shape == (10, 12, 3)
    assert pixels(tmp_path / "out" / "grey.png").shape == (2, 1)


@pytest.mark.parametrize(("words", "message"), [
    (["--kind", "fog"], "fog: expected one of awgn, "),
    (["--kind", "jpeg", "--scale", "2"], "jpeg.scale: jpeg has the parameters quality, luma"),
    (["--kind", "blur", "--widths", "0"], "blur.widths: expected 1e-06 or more, got 0.0"),
])
def test_refusals_are_one_line(photos, tmp_path, capsys, words, message):
    assert run(*words, photos, "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1


def test_help_lists_every_kind_and_parameter(capsys):
    with pytest.raises(SystemExit):
        run("--help")
    said = capsys.readouterr().out
    for name, kind in parameters.KINDS.items():
        assert f"  {name} " in said
        assert all(f"{field}=" in said for field in kind.__dataclass_fields__)


def test_prepare_makes_pairs_of_clean_photographs(photos, tmp_path, capsys):
    words = ["prepare", "folder", tmp_path / "s", "--clean", photos, "--patch", 16,
             "--per-image", 3]
    assert main.main([*map(str, words), "--degrade", "awgn,sigma_255=20"]) == 0
    assert "s: 6 paired patches of 16 x 16" in capsys.readouterr().out
    made = store.Store.open(tmp_path / "s")
    clean, noisy = made.images("paired", "clean"), made.images("paired", "noisy")
    noise = np.concatenate([noisy[i].astype(float) - clean[i] for i in range(6)])
    assert 18 < noise.std() < 22
    record = made.records("paired")[0]
    assert record["origin"]["degradation"]["name"] == "awgn" and record["source"] == "a.png"
    assert abs(record["level"] - 20 / 255) < 0.01
    row, column = record["position"]
    window = pixels(photos / "a.png")[row : row + 16, column : column + 16]
    np.testing.assert_array_equal(clean[0], window)


def test_prepare_keeps_smaller_images_beside_the_clean_ones(photos, tmp_path, capsys):
    words = ["prepare", "folder", tmp_path / "s", "--clean", photos, "--patch", 16,
             "--degrade", "bicubic,scale=4"]
    assert main.main([*map(str, words)]) == 0
    assert "patches of 16 x 16 (noisy ones 4 x 4)" in capsys.readouterr().out
    made, degrader = store.Store.open(tmp_path / "s"), degrading.Degrader(parameters.Bicubic(4))
    whole = pixels(photos / "a.png")
    small = images.quantise(degrader(whole / np.float32(255), np.uint64(0)).noisy, 8)
    row, column = made.records("paired")[0]["position"]
    np.testing.assert_array_equal(
        made.images("paired", "clean")[0], whole[row : row + 16, column : column + 16])
    np.testing.assert_array_equal(
        made.images("paired", "noisy")[0],
        small[row // 4 : row // 4 + 4, column // 4 : column // 4 + 4])


def test_prepare_refuses_what_a_store_cannot_hold(photos, tmp_path, capsys):
    words = ["prepare", "folder", str(tmp_path / "s"), "--patch", "16"]
    assert main.main([*words, "--clean", str(photos), "--degrade", "bicubic,scale=3"]) == 1
    assert "multiples of the scale, got 16 x 16 and 3" in capsys.readouterr().err
    assert main.main([*words, "--noisy", str(photos), "--degrade", "awgn"]) == 1
    assert "expected clean photographs to degrade; give --clean" in capsys.readouterr().err

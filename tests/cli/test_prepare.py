"""`senm-jax prepare` packs, prints what it did, and refuses in one line."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from senm_jax.cli import main
from senm_jax.data import store


@pytest.fixture
def photographs(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        clean = np.kron(rng.integers(40, 200, (12, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
        noisy = (clean + rng.integers(-20, 21, clean.shape)).astype(np.uint8)
        for side, image in (("clean", clean), ("noisy", noisy)):
            (tmp_path / side).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / side / f"{i}.png")
    return tmp_path


def run(*words) -> int:
    return main.main(["prepare", *map(str, words)])


def test_folder(photographs, capsys):
    root = photographs
    words = ["folder", root / "out", "--pairs", root / "clean", root / "noisy", "--patch", 32]
    assert run(*words, "--per-image", 4) == 0
    assert store.Store.open(root / "out").index["about"]["align"] is False
    printed = capsys.readouterr().out
    assert "preflight: 3 of 3" in printed
    assert "out: 12 paired patches of 32 x 32" in printed
    assert len(store.Store.open(root / "out")) == 12
    assert run(*words) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert errors == [f"senm-jax prepare: {root}/out: exists; remove it or write to another folder"]


def test_photographs_of_another_store_are_reported(photographs, capsys):
    root = photographs
    assert run("folder", root / "train", "--clean", root / "clean", "--patch", 32) == 0
    words = ["folder", root / "out", "--pairs", root / "clean", root / "noisy", "--patch", 32]
    assert run(*words, "--strict", "--apart-from", root / "train") == 1
    printed = capsys.readouterr()
    assert "near-duplicate: 3 " in printed.out
    assert f"one is paired, the other in {root / 'train'}" in printed.out
    assert "preflight found 3 problems" in printed.err
    assert run(*words, "--apart-from", root / "nothing") == 1
    assert "nothing: is no patch store" in capsys.readouterr().err
    assert not (root / "out").exists()


def test_polyu(photographs, capsys):
    listed = [
        {
            "scene": str(i), "camera": "c", "iso": 100, "split": "test" if i == 2 else "train",
            "clean": f"clean/{i}.png", "noisy": f"noisy/{i}.png",
        }
        for i in range(3)
    ]  # fmt: skip
    (photographs / "scenes.json").write_text(json.dumps(listed))
    words = ["polyu", photographs, photographs / "out", "--patch", 32, "--per-scene", 3]
    assert run(*words, "--pairs", 2, "--align") == 0
    assert store.Store.open(photographs / "out/test").index["about"]["align"] is True
    printed = capsys.readouterr().out
    assert "out/train: 2 paired, 3 source, 3 target patches of 32 x 32" in printed
    assert "out/test: 3 paired patches" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["folder", "out", "--patch", "0"], "expected a number above 0, got 0"),
        (["folder", "out", "--per-image", "x"], "--per-image: invalid positive value"),
        (["polyu", "data", "out", "--pairs", "-3"], "expected one argument|a number or all"),
        (["polyu", "data", "out", "--pairs", "some"], "expected a number or all, got 'some'"),
        (["nothing"], "invalid choice: 'nothing'"),
        ([], "required: KIND"),
    ],
)
def test_bad_words(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert stopped.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_strict(photographs, capsys):
    (photographs / "noisy" / "3.png").touch()
    words = ["folder", photographs / "out", "--noisy", photographs / "noisy", "--patch", 32]
    assert run(*words, "--strict") == 1
    captured = capsys.readouterr()
    assert "3.png: is empty" in captured.out
    assert "--strict was given; nothing was written" in captured.err
    assert not (photographs / "out").exists()
    assert run(*words) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("left out: 1 of 4 images or pairs")

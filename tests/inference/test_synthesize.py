"""Synthesis: pairs with their origin, the same bytes after an interruption, any input."""

import functools
import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
from inference import small
from PIL import Image

from senm_jax.data import images, store, writing
from senm_jax.inference import apply, synthesize
from senm_jax.ops import resize

Options = synthesize.Options


def _bytes(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def _interrupted(monkeypatch, make):
    """``make()`` is broken off after its first group, as by Ctrl-C."""
    calls, whole = [], apply.sample_all

    def sample_all(*arguments):
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(apply, "sample_all", sample_all)
        with pytest.raises(KeyboardInterrupt):
            make()


def _break_off(path):
    """Puts half of a JPEG there, with its whole header; returns the whole file's bytes."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


def test_a_store_gives_pairs_that_say_how_they_were_drawn(white, real, tmp_path):
    out = tmp_path / "out"
    summary = synthesize.to_store(white, real, out, Options(seed=3, level="0.02:0.1"), 2)
    assert summary == (22, 0, ())
    made, source = store.Store.open(out), store.Store.open(real)
    made.verify()
    assert made.domains == ("paired",) and len(made) == 22
    assert made.index["about"]["run"] == str(white.path)
    clean = [source.images("source", "clean")[i] for i in range(5)]
    clean += [source.images("paired", "clean")[i] for i in range(6)]
    for i, record in enumerate(made.records("paired")):
        np.testing.assert_array_equal(made.images("paired", "clean")[i], clean[i // 2])
        noise = made.images("paired", "noisy")[i].astype(float) - clean[i // 2]
        assert record["origin"]["seed"] == 3 and record["origin"]["method"] == "white_gaussian"
        assert record["level"] == record["origin"]["conditions"]["level"]
        np.testing.assert_allclose(noise.std() / 255, record["level"], rtol=0.15)
    twice = made.images("paired", "noisy")
    assert np.any(twice[0] != twice[1])


def test_an_interrupted_store_ends_with_the_same_bytes(white, real, tmp_path, monkeypatch):
    make = functools.partial(synthesize.to_store, white, real, options=Options(batch=1))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    make(out=whole)
    _interrupted(monkeypatch, functools.partial(make, out=cut))
    assert not cut.exists()
    summary = make(out=cut)
    assert summary.kept == 4 and summary.made == 7
    assert _bytes(cut) == _bytes(whole)


def test_an_interrupted_store_starts_anew_where_what_it_is_like_has_changed(
        white, real, tmp_path, monkeypatch):
    def like(level):
        shutil.rmtree(tmp_path / "like", ignore_errors=True)
        with writing.Writer(tmp_path / "like", patch=(16, 16), about={}) as writer:
            image = np.full((16, 16, 3), 80, np.uint8)
            writer.add("paired", clean=image, noisy=image, level=level, source="x")

    options = Options(batch=1, level=f"like:{tmp_path / 'like'}")
    make = functools.partial(synthesize.to_store, white, real, options=options)
    like(0.02)
    _interrupted(monkeypatch, functools.partial(make, out=tmp_path / "cut"))
    like(0.08)
    assert make(out=tmp_path / "cut").kept == 0
    make(out=tmp_path / "whole")
    assert _bytes(tmp_path / "cut") == _bytes(tmp_path / "whole")


def test_going_on_names_again_what_was_left_out_before(white, photos, tmp_path, monkeypatch):
    _break_off(photos / "aa.jpg")
    options = Options(batch=1)
    make = functools.partial(
        synthesize.to_store, white, photos, options=options, per_image=1, patch=16)
    told = make(tmp_path / "whole").problems
    _interrupted(monkeypatch, functools.partial(make, tmp_path / "cut"))
    summary = make(tmp_path / "cut")
    assert summary.kept and sorted(summary.problems) == sorted(told)
    assert any("aa.jpg: cannot be decoded" in line for line in told)


def test_a_store_of_nothing_says_why(white, tmp_path):
    _break_off(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="no image can be used: .*a.jpg: cannot be decoded"):
        synthesize.to_store(white, tmp_path / "a.jpg", tmp_path / "out", Options(), patch=16)


def test_an_interrupted_folder_ends_with_the_same_bytes(white, photos, tmp_path, monkeypatch):
    options = Options(tile=16, batch=1)
    make = functools.partial(synthesize.to_images, white, photos, options=options)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    made = make(out=whole).made
    _interrupted(monkeypatch, functools.partial(make, out=cut))
    assert 0 < len(_bytes(cut)) < len(_bytes(whole))
    summary = make(out=cut)
    assert summary.kept > 0 and summary.kept + summary.made == made
    assert _bytes(cut) == _bytes(whole)


def test_patches_are_cut_from_images(white, photos, tmp_path):
    summary = synthesize.to_store(white, photos, tmp_path / "out", Options(), 3, patch=16)
    made = store.Store.open(tmp_path / "out")
    assert sorted({r["source"] for r in made.records("paired")}) == [
        "a.png", "alpha.png", "b.jpg", "deep.png", "grey.png"
    ]
    for i, record in enumerate(made.records("paired")):
        row, column = record["position"]
        whole = images.read_rgb8(photos / record["source"])
        np.testing.assert_array_equal(
            made.images("paired", "clean")[i], whole[row : row + 16, column : column + 16]
        )
    text = "\n".join(summary.problems)
    for name in ("text.png", "empty.png", "cut.png"):
        assert f"{name}: " in text
    assert "one.png: 1x1 is smaller than a patch of 16" in text
    assert len(summary.problems) == 4


def test_whole_images_keep_their_size_and_their_own_noise(white, photos, tmp_path):
    out, options = tmp_path / "out", Options(level="0.05", tile=16)
    assert synthesize.to_images(white, photos, out, options).made == 6
    (photos / "0.png").write_bytes((photos / "a.png").read_bytes())
    synthesize.to_images(white, photos, tmp_path / "more", options)
    for name, clean in (("a", "a.png"), ("b", "b.jpg"), ("sub/one", "sub/one.png")):
        noisy = images.read_rgb8(out / "noisy" / f"{name}.png")
        assert noisy.shape == images.read_rgb8(photos / clean).shape
        again = images.read_rgb8(tmp_path / "more" / "noisy" / f"{name}.png")
        np.testing.assert_array_equal(noisy, again)
    assert np.any(images.read_rgb8(tmp_path / "more/noisy/0.png")
                  != images.read_rgb8(out / "noisy/a.png"))
    drawn = json.loads((out / "synthesis.json").read_text())["conditions"]
    assert drawn["sub/one"] == {"level": 0.05}


def test_levels_go_with_the_texture_of_what_the_noise_model_sees(tmp_path):
    board = (np.indices((16, 16)).sum(0) % 2 * 200).astype(np.uint8)
    board = np.repeat(board[..., None], 3, -1)
    with writing.Writer(tmp_path / "pairs", patch=(16, 16), about={}) as writer:
        for clean, level in ((np.full_like(board, 90), 0.01), (board, 0.1)):
            writer.add("paired", clean=clean, noisy=clean, level=level, source="x")
    run = small.white(tmp_path / "run", (str(tmp_path / "pairs"),))
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, image in (("flat", np.full_like(board, 60)), ("rough", board)):
        Image.fromarray(image).save(folder / f"{name}.png")

    def levels(scale):
        options, out = Options(scale=scale), tmp_path / f"x{scale}"
        synthesize.to_images(run, folder, out, options)
        synthesize.to_store(run, folder, out / "store", options, 1, patch=16)
        records = store.Store.open(out / "store").records("paired")
        drawn = json.loads((out / "synthesis.json").read_text())["conditions"]
        made = {r["source"]: r["origin"]["conditions"]["level"] for r in records}
        np.testing.assert_allclose(made["flat.png"], drawn["flat"]["level"])
        np.testing.assert_allclose(made["rough.png"], drawn["rough"]["level"])
        return drawn["flat"]["level"], drawn["rough"]["level"]

    np.testing.assert_allclose(levels(1), (0.01, 0.1))
    flat, rough = levels(2)  # a board of single pixels is nearly flat at half the size
    assert flat == pytest.approx(0.01) and rough < 0.05


def test_a_folder_goes_on_where_a_file_that_broke_off_is_mended(white, photos, tmp_path):
    whole = _break_off(photos / "half.jpg")
    summary = synthesize.to_images(white, photos, tmp_path / "out", Options())
    assert summary.made == 6 and sum("half.jpg" in line for line in summary.problems) == 1
    drawn = json.loads((tmp_path / "out" / "synthesis.json").read_text())["conditions"]
    assert drawn.pop("half") is drawn.pop("cut") is None and len(drawn) == 6
    (photos / "half.jpg").write_bytes(whole)
    summary = synthesize.to_images(white, photos, tmp_path / "out", Options())
    assert (summary.made, summary.kept) == (1, 6)
    drawn = json.loads((tmp_path / "out" / "synthesis.json").read_text())["conditions"]
    assert drawn.pop("cut") is None
    assert all(0.01 <= each["level"] <= 0.06 for each in drawn.values())


def test_versions_differ_and_equal_stems_keep_their_suffix(white, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("x.png", "x.bmp"):
        Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(folder / name)
    synthesize.to_images(white, folder, tmp_path / "out", Options(level="0.1"), 2)
    made = sorted(path.name for path in (tmp_path / "out" / "noisy").iterdir())
    assert made == ["x.bmp.0.png", "x.bmp.1.png", "x.png.0.png", "x.png.1.png"]
    pixels = {images.read_rgb8(tmp_path / "out" / "noisy" / name).tobytes() for name in made}
    assert len(pixels) == 4


def test_names_of_images_stay_apart_whatever_their_suffixes(white, tmp_path):
    folder, names = tmp_path / "photos", ["a.png", "a.jpg", "a.jpg.png", "a.0.png"]
    folder.mkdir()
    for name in names:
        Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(folder / name)
    for versions in (1, 2):
        out = tmp_path / str(versions)
        summary = synthesize.to_images(white, folder, out, Options(level="0.1"), versions)
        assert summary.made == len(list((out / "noisy").iterdir())) == 4 * versions


def test_what_a_replaced_image_gave_is_made_again(white, photos, tmp_path):
    out = tmp_path / "out"
    made = synthesize.to_images(white, photos, out, Options(level="0.1")).made
    before = (out / "noisy" / "a.png").read_bytes()
    photo = images.read(photos / "a.png")
    Image.fromarray(255 - photo.pixels[1:]).save(photos / "a.png")
    summary = synthesize.to_images(white, photos, out, Options(level="0.1"))
    assert (summary.made, summary.kept) == (1, made - 1)
    assert (out / "noisy" / "a.png").read_bytes() != before
    assert synthesize.to_images(white, f"{photos}/", out, Options(level="0.1")).kept == made


def test_what_was_drawn_otherwise_is_made_again(tmp_path, monkeypatch, photos):
    def pairs(level):
        shutil.rmtree(tmp_path / "pairs", ignore_errors=True)
        with writing.Writer(tmp_path / "pairs", patch=(8, 8), about={}) as writer:
            grey = np.full((8, 8, 3), 99, np.uint8)
            writer.add("paired", clean=grey, noisy=grey, level=level, source="x")

    pairs(0.02)
    run = small.white(tmp_path / "run", (str(tmp_path / "pairs"),))
    made = synthesize.to_images(run, photos, tmp_path / "out", Options()).made
    assert synthesize.to_images(run, photos, tmp_path / "out", Options()).kept == made
    pairs(0.05)
    assert synthesize.to_images(run, photos, tmp_path / "out", Options()).made == made


def test_the_user_s_own_clean_images_are_not_replaced(white, photos, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(photos, data / "clean")
    before = (data / "clean" / "a.png").read_bytes()
    with pytest.raises(ValueError, match="clean/.*png: is there already and is no result"):
        synthesize.to_images(white, data / "clean", data, Options(level="0.1", scale=2))
    assert (data / "clean" / "a.png").read_bytes() == before


def test_store_patches_as_images_bring_their_clean_side(white, real, tmp_path):
    synthesize.to_images(white, real, tmp_path / "out", Options())
    clean = images.read_rgb8(tmp_path / "out" / "clean" / "paired_2.png")
    np.testing.assert_array_equal(clean, store.Store.open(real).images("paired", "clean")[2])
    assert (tmp_path / "out" / "noisy" / "source_4.png").exists()


def test_what_cannot_be_made_is_refused(white, dncnn, real, photos, tmp_path):
    with pytest.raises(ValueError, match="is not a noise model, it cannot sample"):
        synthesize.to_store(dncnn, real, tmp_path / "out", Options())
    with pytest.raises(ValueError, match="nowhere: no such file or folder"):
        synthesize.to_store(white, tmp_path / "nowhere", tmp_path / "out", Options())
    with pytest.raises(ValueError, match="no image can be used: .*smaller than a patch of 256"):
        synthesize.to_store(white, photos, tmp_path / "out", Options())
    with pytest.raises(ValueError, match="holds the clean images; take another folder"):
        synthesize.to_images(white, photos, photos, Options())
    assert not (tmp_path / "out").exists()
    synthesize.to_images(white, photos, tmp_path / "out", Options())
    with pytest.raises(ValueError, match="holds what another call made"):
        synthesize.to_images(white, photos, tmp_path / "out", Options(seed=1))


def _reduced(image, scale):
    """MATLAB's bicubic reduction of an 8-bit image, rounded."""
    height, width = (side // scale * scale for side in image.shape[:2])
    small = resize.bicubic(jnp.asarray(image[:height, :width] / np.float32(255)), 1 / scale)
    return images.quantise(np.asarray(small), 8)


def test_pairs_for_super_resolution_keep_the_large_image(white, photos, tmp_path):
    out, options = tmp_path / "out", Options(level="0", scale=4)
    summary = synthesize.to_store(white, photos, out, options, 3, patch=16)
    assert "sub/one.png: 1x1 is smaller than a patch of 16" in "\n".join(summary.problems)
    made = store.Store.open(out)
    made.verify()
    assert made.scale == 4 and made.images("paired", "noisy").shape[1:] == (4, 4, 3)
    for i, record in enumerate(made.records("paired")):
        row, column = record["position"]
        whole = images.read_rgb8(photos / record["source"])
        np.testing.assert_array_equal(
            made.images("paired", "clean")[i], whole[row : row + 16, column : column + 16])
        small = _reduced(whole, 4)[row // 4 : row // 4 + 4, column // 4 : column // 4 + 4]
        noisy = made.images("paired", "noisy")[i].astype(int)
        assert np.abs(noisy - small).max() <= 1  # of a value just between two
        assert record["level"] is None and record["origin"]["conditions"] == {"level": 0.0}


def test_patches_of_a_store_are_reduced_and_go_on(white, real, tmp_path, monkeypatch):
    options = Options(level="0.1", batch=1, scale=2)
    make = functools.partial(synthesize.to_store, white, real, options=options)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    make(out=whole)
    _interrupted(monkeypatch, functools.partial(make, out=cut))
    assert make(out=cut).kept > 0
    assert _bytes(cut) == _bytes(whole)
    made, source = (store.Store.open(path) for path in (whole, real))
    first = source.images("source", "clean")[0]
    np.testing.assert_array_equal(made.images("paired", "clean")[0], first)
    noise = made.images("paired", "noisy")[0].astype(float) - _reduced(first, 2)
    np.testing.assert_allclose(noise.std() / 255, 0.1, rtol=0.2)
    with pytest.raises(ValueError, match="multiples of the scale, got 16 x 16 and 3"):
        synthesize.to_store(white, real, tmp_path / "three", Options(level="0", scale=3))


def test_images_for_super_resolution_come_with_their_large_ones(white, photos, tmp_path):
    out, options = tmp_path / "out", Options(level="0.05", scale=4, tile=4)
    summary = synthesize.to_images(white, photos, out, options)
    assert "one.png: 1x1 cannot be reduced 4 times" in "\n".join(summary.problems)
    noisy, clean = (images.read_rgb8(out / side / "a.png") for side in ("noisy", "clean"))
    assert noisy.shape == (10, 6, 3)
    np.testing.assert_array_equal(clean, images.read_rgb8(photos / "a.png")[:, :24])
    noise = noisy.astype(float) - _reduced(clean, 4)
    np.testing.assert_allclose(noise.std() / 255, 0.05, rtol=0.3)
    whole = tmp_path / "whole"
    synthesize.to_images(white, photos, whole, Options(level="0.05", scale=4))
    difference = images.read_rgb8(whole / "noisy" / "a.png").astype(int) - noisy
    assert np.abs(difference).max() <= 1

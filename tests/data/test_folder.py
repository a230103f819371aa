"""A user's folder becomes a store; every problem in it is named, none stops the rest."""

import re
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from senm_jax.data import duplicates, folder, store, writing
from senm_jax.degradations import parameters


@pytest.fixture
def photographs(tmp_path, scene, noisy, save):
    """Three pairs, two clean and two noisy photographs, all of different scenes."""
    for i in range(3):
        save(tmp_path / "pairs/clean" / f"{i}.png", scene(i))
        save(tmp_path / "pairs/noisy" / f"{i}.png", noisy(scene(i), 12, i))
    for i in range(3, 5):
        save(tmp_path / "clean" / f"{i}.png", scene(i))
        save(tmp_path / "noisy" / f"{i}.png", noisy(scene(i + 10), 12, i))
    return tmp_path


def prepare(root, **options):
    told = []
    settings = {
        "pairs": (root / "pairs/clean", root / "pairs/noisy"), "clean": root / "clean",
        "noisy": root / "noisy", "patch": 32, "tell": told.append,
    } | options  # fmt: skip
    path = folder.prepare(root / "out", **settings)
    return store.Store.open(path), told[0]


def test_all_domains(photographs, scene, noisy):
    packed, report = prepare(photographs, per_image=5)
    assert report.splitlines()[0] == "preflight: 7 of 7 images or pairs can be packed"
    assert "no problems found" in report
    assert {d: len(packed.records(d)) for d in packed.domains} == {
        "paired": 15, "source": 10, "target": 10,
    }  # fmt: skip
    for i, record in enumerate(packed.records("paired")):
        row, col = record["position"]
        seed = int(record["source"].split(".")[0])
        clean, dirty = scene(seed), noisy(scene(seed), 12, seed)
        window = np.s_[row : row + 32, col : col + 32]
        np.testing.assert_array_equal(packed.images("paired", "clean")[i], clean[window])
        np.testing.assert_array_equal(packed.images("paired", "noisy")[i], dirty[window])
        assert record["level"] == pytest.approx(12 / 255, rel=0.1)
    assert packed.index["about"]["made_by"] == "prepare folder"
    assert packed.index["about"]["preflight"]["findings"] == []


def test_the_same_again_and_another_seed(photographs):
    first, _ = prepare(photographs)
    shutil.rmtree(photographs / "out")
    second, _ = prepare(photographs)
    shutil.rmtree(photographs / "out")
    third, _ = prepare(photographs, seed=1)
    assert first.fingerprint == second.fingerprint != third.fingerprint


def test_camera_and_iso_come_from_exif(photographs, scene, save):
    exif = Image.Exif()
    exif[0x0110] = "Camera X"
    exif.get_ifd(0x8769)[0x8827] = 1600
    save(photographs / "noisy" / "5.jpg", scene(50), exif=exif)
    packed, _ = prepare(photographs)
    tags = {r["source"]: (r["camera"], r["iso"]) for r in packed.records("target")}
    assert tags["5.jpg"] == ("Camera X", 1600)
    assert tags["3.png"] == (None, None)


def line_of(report: str, kind: str) -> str:
    """The first problem listed under ``kind``."""
    found = re.search(rf"^  {kind}: \d+ .*\n    (.*)", report, re.MULTILINE)
    assert found, report
    return found.group(1)


def test_hostile_files_are_named_and_left_out(photographs, scene, save):
    clean = photographs / "clean"
    (clean / "empty.png").touch()
    (clean / "text.png").write_text("hello")
    (clean / "notes.txt").write_text("no image by its suffix")
    whole = save(clean / "whole.jpg", scene(20)).read_bytes()
    (clean / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    save(clean / "one.png", scene(21, 1, 1))
    save(clean / "alpha.png", np.dstack([scene(22), scene(23)[..., :1]]))
    save(clean / "grey.png", scene(24)[..., 0])
    save(clean / "strip.png", scene(25, 40, 3000))
    Image.fromarray(scene(26)).convert("CMYK").save(clean / "inks.jpg")
    Image.fromarray(scene(27)[..., 0].astype(np.uint16) * 257).save(clean / "deep.png")
    packed, report = prepare(photographs, per_image=2)
    assert report.startswith("preflight: 13 of 17 images or pairs")
    for name in ("empty.png: is empty", "text.png: is no PNG", "cut.jpg: cannot be decoded"):
        assert name in report
    assert "one.png: clean is 1 x 1, a patch 32 x 32" in line_of(report, "smaller than a patch")
    used = {record["source"] for record in packed.records("source")}
    assert used == {
        "3.png", "4.png", "whole.jpg", "alpha.png", "grey.png", "strip.png", "inks.jpg", "deep.png",
    }  # fmt: skip
    kinds = {f["kind"] for f in packed.index["about"]["preflight"]["findings"]}
    assert kinds == {"unreadable", "smaller than a patch"}


def test_pairs_that_do_not_fit_are_named(photographs, scene, noisy, save):
    clean, dirty = photographs / "pairs/clean", photographs / "pairs/noisy"
    save(clean / "alone.png", scene(30))
    save(clean / "size.png", scene(31))
    save(dirty / "size.png", scene(31)[:-1])
    save(clean / "bright.png", scene(32))
    save(dirty / "bright.png", noisy((scene(32) * 0.8).astype(np.uint8), 8, 0))
    save(clean / "moved.png", scene(33)[:, 3:])
    save(dirty / "moved.png", noisy(scene(33)[:, :-3], 8, 0))
    save(clean / "wrong.png", scene(34))
    save(dirty / "wrong.png", scene(35))
    packed, report = prepare(photographs)
    assert "alone.png: no image of the same name" in line_of(report, "unmatched")
    assert "clean is 96 x 128, noisy is 95 x 128" in line_of(report, "size mismatch")
    bright = line_of(report, "exposure mismatch")
    assert re.search(r"bright.png: noisy is clean times 0\.(79|80)", bright)
    moved = line_of(report, "misaligned")
    assert "moved.png: noisy lies" in moved and "+3.0 columns" in moved
    assert "wrong.png: the two show different scenes" in report
    used = {record["source"] for record in packed.records("paired")}
    assert used == {f"{i}.png" for i in range(3)} | {"bright.png", "moved.png", "wrong.png"}


def test_the_clean_sides_of_pairs_are_moved_to_where_the_noisy_ones_lie(
    photographs, scene, noisy, save
):
    moved = ndimage.shift(scene(0), (0, 0.5, 0), mode="mirror")
    save(photographs / "pairs/noisy/0.png", noisy(moved, 2, 0))
    crooked, _ = prepare(photographs, per_image=9)
    shutil.rmtree(photographs / "out")
    packed, _ = prepare(photographs, per_image=9, align=True)
    assert packed.records("source") == crooked.records("source")
    before, after = (
        np.median([r["level"] for r in each.records("paired") if r["source"] == "0.png"])
        for each in (crooked, packed)
    )
    assert after < 3 / 255 and before > 2 * after


def test_what_is_too_long_to_be_moved_is_named(photographs, save):
    for side in ("clean", "noisy"):
        save(photographs / "pairs" / side / "long.png", np.zeros((32, 32767, 3), np.uint8))
    packed, report = prepare(photographs, per_image=1, align=True)
    found = line_of(report, "too large to align")
    assert "clean/long.png" in found and "--align moves images of at most 32766 pixels" in found
    assert "long.png" not in {record["source"] for record in packed.records("paired")}


def test_strict_bears_what_is_mended_and_not_what_is_not(photographs, scene, noisy, save):
    pairs = photographs / "pairs"
    save(pairs / "clean/0.png", scene(33)[:, 3:])
    save(pairs / "noisy/0.png", noisy(scene(33)[:, :-3], 8, 0))
    save(pairs / "noisy/1.png", noisy(scene(1) // 2 + 70, 8, 0))
    save(pairs / "clean/1.png", scene(1) // 2 + 64)
    with pytest.raises(ValueError, match="preflight found 2 problems and --strict was given"):
        prepare(photographs, strict=True)
    packed, report = prepare(photographs, strict=True, align=True, match_mean=True)
    assert "mended: 2 (as asked for)" in report and "misaligned" not in report
    assert "+3.0 columns off clean; --align moves them together" in report
    assert packed.index["about"]["from"]["paired"]["noisy"] == str(pairs / "noisy")
    shutil.rmtree(photographs / "out")
    save(pairs / "clean/0.png", scene(33)[:, 12:])
    save(pairs / "noisy/0.png", noisy(scene(33)[:, :-12], 8, 0))
    with pytest.raises(ValueError, match="preflight found . problems and --strict was given"):
        prepare(photographs, strict=True, align=True, match_mean=True)
    _, report = prepare(photographs, align=True)
    assert "too far for --align, which moves by 8 pixels at most" in line_of(report, "misaligned")


def test_near_duplicates_across_the_domains_are_named(photographs, scene, noisy, save):
    save(photographs / "noisy" / "again.png", noisy(scene(3), 20, 99))
    save(photographs / "noisy" / "once more.png", noisy(scene(13), 20, 98))
    _, report = prepare(photographs)
    found = line_of(report, "near-duplicate")
    assert "near-duplicate: 1 " in report
    assert "3.png" in found and "again.png" in found
    assert "one is source, the other target" in found


def test_near_duplicates_of_other_stores_are_named(photographs, tmp_path, scene, noisy, save):
    train, _ = prepare(photographs)
    seen = duplicates.of_store(train.path)
    assert len(seen) == 7
    save(tmp_path / "test/clean/a.png", scene(1))
    save(tmp_path / "test/noisy/a.png", noisy(scene(1), 20, 99))
    save(tmp_path / "test/clean/b.png", scene(20))
    save(tmp_path / "test/noisy/b.png", noisy(scene(20), 20, 98))
    told = []
    test = {"pairs": (tmp_path / "test/clean", tmp_path / "test/noisy"), "patch": 32,
            "tell": told.append, "apart_from": seen}
    with pytest.raises(ValueError, match="found 1 problems and --strict was given"):
        folder.prepare(tmp_path / "out_test", **test, strict=True)
    found = line_of(told[0], "near-duplicate")
    assert "test/clean/a.png" in found and f"{train.path}: paired/1.png: correlate 1.00" in found
    assert f"one is paired, the other in {train.path}" in found
    packed = store.Store.open(folder.prepare(tmp_path / "out_test", **test))
    assert len(duplicates.of_store(packed.path)) == 2
    with writing.Writer(tmp_path / "own", patch=(32, 32), about={}) as writer:
        writer.add("source", clean=scene(0)[:32, :32], source="x")
    with pytest.raises(ValueError, match="own: its index does not say .* prepare it again"):
        duplicates.of_store(tmp_path / "own")


def test_only_pairs_with_a_new_photograph_are_near_duplicates():
    looks = np.eye(3, dtype=np.float32)
    new = [duplicates.Photograph("a", "paired", looks[0]),
           duplicates.Photograph("b", "paired", looks[0])]
    others = [duplicates.Photograph("c", "in x", looks[1]),
              duplicates.Photograph("d", "in y", looks[1]),
              duplicates.Photograph("e", "in y", looks[0])]
    found = [(one.name, other.name) for one, other, _ in duplicates.across(new, others)]
    assert found == [("a", "e"), ("b", "e")]


def test_strict_refuses_and_writes_nothing(photographs):
    prepare(photographs, strict=True)
    shutil.rmtree(photographs / "out")
    (photographs / "clean" / "empty.png").touch()
    before = sorted(path.name for path in photographs.iterdir())
    with pytest.raises(ValueError, match="preflight found 1 problems and --strict was given"):
        prepare(photographs, strict=True)
    assert sorted(path.name for path in photographs.iterdir()) == before


def test_names_need_not_be_utf8(photographs, scene, save):
    (photographs / "clean" / "3.png").rename(photographs / "clean" / "\udce9.png")
    packed, _ = prepare(photographs, per_image=1)
    assert "\udce9.png" in {record["source"] for record in packed.records("source")}


def test_linked_folders_are_entered_and_links_to_nothing_named(photographs, scene, save):
    save(photographs / "elsewhere" / "6.png", scene(6))
    (photographs / "clean" / "link").symlink_to(photographs / "elsewhere")
    (photographs / "elsewhere" / "round").symlink_to(photographs / "clean")
    (photographs / "clean" / "gone.png").symlink_to(photographs / "nothing.png")
    packed, report = prepare(photographs, per_image=1)
    sources = [record["source"] for record in packed.records("source")]
    assert sorted(sources) == ["3.png", "4.png", "link/6.png"]
    assert "gone.png: " in line_of(report, "unreadable")
    shutil.rmtree(photographs / "out")
    save(photographs / "clean" / "zzz" / "7.png", scene(7))
    (photographs / "clean" / "aaa").symlink_to(photographs / "clean" / "zzz")
    packed, report = prepare(photographs, per_image=1)
    assert "zzz/7.png" in {record["source"] for record in packed.records("source")}
    assert "gone.png: " in line_of(report, "unreadable")


def test_nothing_usable_is_refused(tmp_path, scene, save):
    (tmp_path / "empty").mkdir()
    save(tmp_path / "noisy" / "0.png", scene(0))
    with pytest.raises(ValueError, match="--clean .*empty: found no image; looked for .png"):
        folder.prepare(tmp_path / "out", clean=tmp_path / "empty", noisy=tmp_path / "noisy")
    (tmp_path / "empty" / "a.png").touch()
    with pytest.raises(ValueError, match="no image can be packed"):
        folder.prepare(tmp_path / "out", clean=tmp_path / "empty", tell=lambda text: None)
    with pytest.raises(ValueError, match="nothing to pack; give --pairs"):
        folder.prepare(tmp_path / "out")
    with pytest.raises(ValueError, match="nowhere: no such file or folder"):
        folder.prepare(tmp_path / "out", noisy=tmp_path / "nowhere")
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "noisy"}


def test_an_existing_store_is_refused_before_any_work(photographs):
    prepare(photographs)
    with pytest.raises(ValueError, match="out: exists"):
        prepare(photographs, tell=lambda text: pytest.fail("worked all the same"))


def test_an_interrupted_prepare_can_be_run_again(photographs, monkeypatch):
    add, calls = writing.Writer.add, []

    def interrupted(self, *args, **kwargs):
        if len(calls) == 10:
            raise KeyboardInterrupt
        calls.append(add(self, *args, **kwargs))

    monkeypatch.setattr(writing.Writer, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(photographs)
    with pytest.raises(ValueError, match="was not finished"):
        store.Store.open(photographs / "out")
    monkeypatch.setattr(writing.Writer, "add", add)
    packed, _ = prepare(photographs)
    packed.verify()
    assert not (photographs / "out.partial").exists()


def enlarged(root, scene, noisy, save, **sizes):
    """Two pairs whose clean photograph is four times as large; ``sizes`` cuts noisy ones."""
    for i in range(2):
        save(root / "high" / f"{i}.png", scene(i, 97, 128)[:96])
        small = cv2.resize(scene(i, 97, 128)[:96], (32, 24), interpolation=cv2.INTER_AREA)
        save(root / "low" / f"{i}.png", noisy(small, 3, i)[: sizes.get(f"rows_{i}")])
    return {"pairs": (root / "high", root / "low"), "clean": None, "noisy": None, "scale": 4}


def test_pairs_of_two_sizes(tmp_path, scene, noisy, save):
    packed, report = prepare(tmp_path, **enlarged(tmp_path, scene, noisy, save), per_image=4)
    assert "no problems found" in report
    assert packed.scale == 4 and packed.images("paired", "noisy").shape == (8, 8, 8, 3)
    for i, record in enumerate(packed.records("paired")):
        row, col = record["position"]
        high, low = (np.asarray(Image.open(tmp_path / side / record["source"]))
                     for side in ("high", "low"))
        np.testing.assert_array_equal(
            packed.images("paired", "clean")[i], high[row : row + 32, col : col + 32])
        window = np.s_[row // 4 : row // 4 + 8, col // 4 : col // 4 + 8]
        np.testing.assert_array_equal(packed.images("paired", "noisy")[i], low[window])
        assert record["level"] is None and not row % 4 and not col % 4


def test_a_pair_of_another_ratio_is_named(tmp_path, scene, noisy, save):
    options = enlarged(tmp_path, scene, noisy, save, rows_1=23)
    packed, report = prepare(tmp_path, **options)
    line = line_of(report, "size mismatch")
    assert "1.png" in line and "clean is 96 x 128, noisy is 23 x 32" in line
    assert "expected clean to be exactly 4 times noisy" in line
    assert {record["source"] for record in packed.records("paired")} == {"0.png"}


@pytest.mark.parametrize(("options", "message"), [
    ({"patch": 30}, "multiples of the scale, got 30 x 30 and 4"),
    ({"noisy": "low"}, "scale 4 holds pairs alone"),
    ({"clean": "high", "degrade": parameters.AWGN()}, "makes pairs of scale 1, and --scale is 4"),
])
def test_a_scale_that_a_store_cannot_hold_is_refused(
    tmp_path, scene, noisy, save, options, message
):
    settings = enlarged(tmp_path, scene, noisy, save) | options
    for side in ("clean", "noisy"):
        settings[side] = settings[side] and tmp_path / settings[side]
    with pytest.raises(ValueError, match=message):
        prepare(tmp_path, **settings)
    assert not (tmp_path / "out").exists()

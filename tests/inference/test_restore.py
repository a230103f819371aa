"""Restored files: the network's result, in the manner of the original, whatever else is there."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from senm_jax.data import images
from senm_jax.inference import apply, restore


def test_files_keep_their_manner_and_hold_the_rounded_result(dncnn, photos, tmp_path):
    out = tmp_path / "out"
    summary = restore.restore(dncnn, [photos], out, tile=24)
    assert summary.made == 6 and summary.kept == 0
    names = ["a.png", "b.jpg", "sub/one.png", "grey.png", "alpha.png", "deep.png"]
    for name in names:
        before, after = images.read(photos / name), images.read(out / name)
        assert after.pixels.shape == before.pixels.shape
        assert (after.depth, after.grey, after.exif) == (before.depth, before.grey, before.exif)
        top = 2**before.depth - 1
        key = apply.image_key(0, name)
        expected = apply.restore(dncnn, before.pixels / np.float32(top), key=key)
        expected = expected.mean(2, keepdims=True) if before.grey else expected
        expected = np.clip(expected, 0, 1) * top
        tolerance = 0.51 if name != "b.jpg" else 12  # JPEG loses some
        assert np.abs(after.pixels - expected).max() <= tolerance
    np.testing.assert_array_equal(
        images.read(out / "alpha.png").alpha, images.read(photos / "alpha.png").alpha
    )
    assert b"Maker" in images.read(out / "b.jpg").exif


def test_unreadable_files_are_named_and_the_others_done(dncnn, photos, tmp_path):
    summary = restore.restore(dncnn, [photos], tmp_path / "out")
    assert len(summary.problems) == 3
    for name in ("cut.png", "empty.png", "text.png"):
        assert any(f"{name}: " in problem for problem in summary.problems)
        assert not (tmp_path / "out" / name).exists()


def test_a_result_that_is_not_finite_is_refused_by_its_file(dncnn, photos, tmp_path):
    def restore_(variables, noisy, key, origin):
        return jnp.log(noisy)

    run = dataclasses.replace(dncnn, method=dncnn.method._replace(restore=restore_))
    Image.fromarray(np.zeros((5, 4, 3), np.uint8)).save(photos / "black.png")
    with pytest.raises(ValueError, match="black.png: 60 of 60 computed values are not finite"):
        restore.restore(run, [photos], tmp_path / "out")


def test_outputs_that_are_there_are_kept_unless_overwritten(dncnn, photos, tmp_path):
    out = tmp_path / "out"
    restore.restore(dncnn, [photos / "a.png", photos / "b.jpg"], out)
    first = (out / "a.png").read_bytes()
    (out / "b.jpg").write_bytes(b"mine")
    summary = restore.restore(dncnn, [photos], out)
    assert (summary.made, summary.kept) == (4, 2)
    assert (out / "b.jpg").read_bytes() == b"mine"
    summary = restore.restore(dncnn, [photos], out, overwrite=True)
    assert (summary.made, summary.kept) == (6, 0)
    assert (out / "b.jpg").read_bytes() != b"mine" and (out / "a.png").read_bytes() == first
    assert json.loads((out / "restoration.json").read_text())["about"]["run"] == str(dncnn.path)


def test_what_a_replaced_image_gave_is_restored_again_and_a_user_s_own_file_is_not_touched(
        dncnn, photos, tmp_path):
    out = tmp_path / "out"
    restore.restore(dncnn, [photos], out)
    before = (out / "a.png").read_bytes()
    Image.fromarray(255 - images.read(photos / "a.png").pixels).save(photos / "a.png")
    summary = restore.restore(dncnn, [photos], out)
    assert (summary.made, summary.kept) == (1, 5)
    assert (out / "a.png").read_bytes() != before
    mine = tmp_path / "mine" / "a.png"
    mine.parent.mkdir()
    mine.write_bytes(b"my own")
    with pytest.raises(ValueError, match="mine/a.png: is there already and is no result"):
        restore.restore(dncnn, [photos], mine.parent)
    assert mine.read_bytes() == b"my own" and len(list(mine.parent.iterdir())) == 1


def test_stopped_overwriting_leaves_nothing_of_the_run_before(dncnn, photos, tmp_path, monkeypatch):
    out = tmp_path / "out"
    restore.restore(dncnn, [photos], out)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(restore.images, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        restore.restore(dncnn, [photos], out, seed=1, overwrite=True)
    monkeypatch.undo()
    assert restore.restore(dncnn, [photos], out, seed=1).kept == 0


def test_results_inside_the_folder_are_not_restored_again(dncnn, photos):
    out = photos / "restored"
    assert restore.restore(dncnn, [photos], out).made == 6
    assert restore.restore(dncnn, [photos], out).kept == 6
    elsewhere = out.rename(photos.parent / "elsewhere")
    out.symlink_to(elsewhere)
    assert restore.restore(dncnn, [photos], out).kept == 6


def test_what_cannot_be_restored_is_refused(dncnn, white, photos, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="is not a restorer, it cannot restore"):
        restore.restore(white, [photos], out)
    with pytest.raises(ValueError, match="nowhere: no such file or folder"):
        restore.restore(dncnn, [tmp_path / "nowhere"], out)
    with pytest.raises(ValueError, match="a.png: would be replaced by its result"):
        restore.restore(dncnn, [photos], photos)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(ValueError, match="would both be written to .*a.png"):
        restore.restore(dncnn, [photos, other], out)
    assert not out.exists()
    restore.restore(dncnn, [other], out)
    with pytest.raises(ValueError, match="holds what another call made"):
        restore.restore(dncnn, [other], out, seed=1)

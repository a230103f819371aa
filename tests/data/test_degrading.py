"""Pairs made of clean crops: a function of step and row alone, whatever shares them."""

import concurrent.futures

import numpy as np
import pytest

from senm_jax.data import degrading, pipeline, store, symmetries, writing
from senm_jax.degradations import parameters


def degrader(text, **options):
    return degrading.Degrader(parameters.parse(text), **options)


def pipe(small_store, text, rows=4, crop=16, **options):
    return pipeline.Pipeline([small_store], {"paired": rows}, crop, seed=3,
                             degrader=degrader(text, **options))


def assert_same(first, second):
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


KINDS = ["awgn", "awgn_fixed", "heteroscedastic", "camera_pipeline,jpeg=60:100", "darken",
         "blur,scale=2", "bicubic,scale=2", "jpeg", "jpeg,luma=true"]


@pytest.mark.parametrize("text", KINDS)
def test_a_batch_is_made_alike_alone_in_shares_and_in_threads(small_store, text):
    made = pipe(small_store, text)
    whole = made.batch_at(5)["paired"]
    assert_same(pipe(small_store, text).batch_at(5)["paired"], whole)
    shares = [made.batch_at(5, i, 2)["paired"] for i in range(2)]
    assert_same({name: np.concatenate([s[name] for s in shares]) for name in whole}, whole)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        batches = list(pool.map(lambda step: made.batch_at(step)["paired"], (4, 5, 6)))
    assert_same(batches[1], whole)
    assert not np.array_equal(batches[0]["noisy"], batches[2]["noisy"])
    scale = whole["clean"].shape[1] // 16
    assert whole["clean"].shape == (4, 16 * scale, 16 * scale, 3)
    assert whole["noisy"].shape == (4, 16, 16, 3)
    assert whole["clean"].dtype == np.uint8 and whole["noisy"].dtype == np.float32


def test_clean_crops_are_those_of_the_source_patches(small_store):
    batch = pipe(small_store, "awgn").batch_at(1)["paired"]
    patches = small_store.images("source", "clean")
    windows = {patches[i][r : r + 16, c : c + 16].tobytes()
               for i in range(len(patches)) for r in range(25) for c in range(41)}
    turned = [symmetries.turned(clean, k) for clean in batch["clean"] for k in range(8)]
    assert sum(np.ascontiguousarray(t).tobytes() in windows for t in turned) == 4


def test_white_noise_has_the_strength_that_is_told_and_is_not_clipped(small_store):
    batch = pipe(small_store, "awgn,sigma_255=5:70", rows=32).batch_at(1)["paired"]
    noise = batch["noisy"] - batch["clean"] / np.float32(255)
    told = batch["degradation"]
    assert told.shape == (32, 1)
    np.testing.assert_allclose(noise.std((1, 2, 3)), told[:, 0], rtol=0.15)
    np.testing.assert_allclose(batch["level"], noise.std((1, 2, 3), ddof=1), rtol=1e-3)
    assert told.min() * 255 < 20 and told.max() * 255 > 55 and batch["noisy"].min() < 0
    assert batch["configuration"].tolist() == [-1] * 32


def test_rows_share_their_parameters_where_they_are_asked_to(small_store):
    made = pipe(small_store, "awgn", per_batch=True)
    first, second = (made.batch_at(step)["paired"]["degradation"] for step in (1, 2))
    assert np.ptp(first) == 0 and np.ptp(second) == 0 and first[0] != second[0]
    np.testing.assert_array_equal(made.batch_at(1, 1, 2)["paired"]["degradation"], first[2:])
    noise = made.batch_at(1)["paired"]
    residual = noise["noisy"] - noise["clean"] / 255
    assert np.abs(residual[0] - residual[1]).max() > 0.01


def test_what_is_told_of_each_kind(small_store):
    widths = {"jpeg": 1, "blur,scale=2": 225, "bicubic,scale=2": None, "camera_pipeline": None}
    for text, width in widths.items():
        batch = pipe(small_store, text).batch_at(1)["paired"]
        told = batch.get("degradation")
        assert (told is None) if width is None else told.shape == (4, width)
        assert np.isnan(batch["level"]).all() == ("scale" in text)
    np.testing.assert_allclose(
        pipe(small_store, "blur,scale=2").batch_at(1)["paired"]["degradation"].sum(1), 1, rtol=1e-5)


def test_the_luma_of_a_jpeg_is_what_is_restored(small_store):
    batch = pipe(small_store, "jpeg,luma=true").batch_at(1)["paired"]
    assert np.ptp(batch["clean"], axis=3).max() == 0 and np.ptp(batch["noisy"], axis=3).max() == 0
    assert batch["clean"].min() >= 16 and batch["clean"].max() <= 235


def test_the_fingerprint_follows_the_degradation(small_store):
    prints = {pipe(small_store, text).fingerprint
              for text in ("awgn", "awgn,sigma_255=30", "jpeg")}
    prints.add(pipe(small_store, "awgn", per_batch=True).fingerprint)
    prints.add(pipeline.Pipeline([small_store], {"paired": 4}, 16, seed=3).fingerprint)
    assert len(prints) == 5


def test_stores_without_clean_patches_or_too_small_ones_are_refused(tmp_path, small_store):
    with writing.Writer(tmp_path / "t", patch=(8, 8), about={}) as writer:
        writer.add("target", noisy=np.zeros((8, 8, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match=r"no store has source patches \(config.data.degr"):
        pipe(store.Store.open(tmp_path / "t"), "awgn", crop=4)
    with pytest.raises(ValueError, match=r"crop = 16 \(clean crops of 64\) does not fit the 40 x"):
        pipe(small_store, "bicubic,scale=4")
    with pytest.raises(ValueError, match="at least 4 pixels a side, got 3 x 9"):
        degrader("bicubic,scale=4")(np.zeros((3, 9, 3), np.float32), np.uint64(0))


def test_whole_images_are_cut_to_a_multiple_of_the_scale():
    clean = np.random.default_rng(0).random((9, 14, 3), np.float32)
    made = degrader("blur,scale=4,widths=2")(clean, np.uint64(7))
    np.testing.assert_array_equal(made.clean, clean[:8, :12])
    assert made.noisy.shape == (2, 3, 3) and made.told.shape == (225,)

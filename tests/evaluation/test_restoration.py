import jax.numpy as jnp
import numpy as np
import pytest
from evaluation import worlds

from senm_jax.data import store as store_
from senm_jax.data import writing
from senm_jax.evaluation import patches, restoration, sections
from senm_jax.methods import base
from senm_jax.metrics import psnr, ssim
from senm_jax.ops import pixels, resize


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("restoration") / "store", each=3)


def _evaluate(store, function, **options):
    return restoration.evaluate(
        worlds.run_of(worlds.restorer(function)), store, name="restorer", **options
    )


def test_a_restorer_that_does_nothing_has_the_figures_of_the_noisy_input(store):
    result = _evaluate(store, lambda y: y)
    for row in result.rows.values():
        for protocol in restoration.PROTOCOLS:
            assert row[f"restored_{protocol}"] == row[f"noisy_{protocol}"]
    each = result.each[4]
    clean, noisy = (store.images("paired", side)[4] for side in ("clean", "noisy"))
    assert each["noisy_psnr_rgb"] == psnr.rgb8(noisy, clean)
    assert each["noisy_ssim_2d"] == ssim.gaussian_2d(noisy, clean)
    assert each["noisy_ssim_3d"] == ssim.volume_3d(noisy, clean)


def test_restored_images_are_clipped_and_rounded_before_they_are_measured(store):
    plain = _evaluate(store, lambda y: y)
    nudged = _evaluate(store, lambda y: y + 0.4 / 255)
    assert nudged.each == plain.each
    white = _evaluate(store, lambda y: y + 2)
    expected = psnr.rgb8(np.full_like(store.images("paired", "clean")[0], 255),
                         store.images("paired", "clean")[0])
    np.testing.assert_allclose(white.each[0]["restored_psnr_rgb"], expected)


def test_smoothing_raises_psnr_and_lowers_nothing_of_the_input(store):
    def smooth(y):
        return (jnp.roll(y, 1, axis=1) + 2 * y + jnp.roll(y, -1, axis=1)) / 4

    row = _evaluate(store, smooth).rows[patches.ALL]
    assert row["restored_psnr_rgb"] > row["noisy_psnr_rgb"] + 1
    assert row["restored_ssim_2d"] > row["noisy_ssim_2d"]


def test_means_are_over_patches_and_configurations_in_the_stores_order(store):
    result = _evaluate(store, lambda y: y, batch=4)
    assert list(result.configurations) == ["one, ISO 100", "one, ISO 800", "two"] * 3
    values = [each["noisy_psnr_rgb"] for each in result.each]
    np.testing.assert_allclose(result.rows["two"]["noisy_psnr_rgb"], np.mean(values[2::3]))
    np.testing.assert_allclose(result.rows[patches.ALL]["noisy_psnr_rgb"], np.mean(values))


def test_examples_are_the_patches_themselves(store):
    result = _evaluate(store, lambda y: 1 - y, examples=2)
    assert len(result.examples) == 2
    np.testing.assert_array_equal(result.examples[0].clean, store.images("paired", "clean")[0])
    np.testing.assert_array_equal(result.examples[0].restored, 255 - result.examples[0].noisy)


def test_what_cannot_be_evaluated_is_refused(store):
    with pytest.raises(ValueError, match="runs/fake: is not a restorer"):
        restoration.evaluate(worlds.run_of(worlds.white()), store, name="x")
    larger = worlds.restorer(lambda y: y)._replace(restore_reach=base.Reach(1, 0, scale=2))
    with pytest.raises(ValueError, match="enlarges images 2 times"):
        restoration.evaluate(worlds.run_of(larger), store, name="x")


def test_a_small_noisy_side_is_enlarged_to_be_measured(tmp_path):
    random = np.random.default_rng(0)
    with writing.Writer(tmp_path / "s", patch=(16, 24), about={}, scale=2) as writer:
        for i in range(2):
            noisy = random.integers(40, 200, (8, 12, 3), np.uint8)
            writer.add("paired", clean=noisy.repeat(2, 0).repeat(2, 1), noisy=noisy, source=f"{i}")
    opened = store_.Store.open(tmp_path / "s")
    twice = worlds.restorer(lambda y: y.repeat(2, 1).repeat(2, 2) + 1 / 255)._replace(
        restore_reach=base.Reach(1, 0, scale=2))
    result = restoration.evaluate(worlds.run_of(twice), opened, name="twice")
    np.testing.assert_allclose(
        result.rows[patches.ALL]["restored_psnr_rgb"], 20 * np.log10(255), rtol=1e-3)
    noisy, clean = (opened.images("paired", side)[0] for side in ("noisy", "clean"))
    plain = np.asarray(pixels.to_uint8(resize.bicubic(jnp.asarray(noisy / np.float32(255)), 2.0)))
    np.testing.assert_array_equal(result.examples[0].noisy, plain)
    assert result.each[0]["noisy_psnr_rgb"] == psnr.rgb8(plain, clean)
    section = sections.of_restorers([result])
    labels = [column.label for column in section.tables[0].columns]
    assert labels.count("noisy input enlarged by bicubic interpolation") == 3
    assert "noisy input" not in labels and section.figures[0].columns[0] == "noisy, bicubic"
    with pytest.raises(ValueError, match="clean side is 2 times.*pairs of scale 1 are needed"):
        patches.choose(opened, None)

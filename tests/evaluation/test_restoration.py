import jax.numpy as jnp
import numpy as np
import pytest
from evaluation import worlds

from senm_jax.evaluation import patches, restoration
from senm_jax.methods import base
from senm_jax.metrics import psnr, ssim


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

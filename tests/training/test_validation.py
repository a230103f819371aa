import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from training import toy

from senm_jax.data import degrading, writing
from senm_jax.data import store as store_
from senm_jax.degradations import blur, parameters
from senm_jax.methods import base
from senm_jax.metrics import psnr
from senm_jax.ops import pixels, resize
from senm_jax.training import validation

METHOD = toy.make(toy.Config(noise=0.1))
IDENTITY = {"painter": {"params": {"colour": {"kernel": np.eye(3, dtype=np.float32),
                                              "offset": np.zeros(3, np.float32)}},
                        "statistics": {}}}


@pytest.fixture(scope="module")
def figures(store, tmp_path_factory):
    picture = tmp_path_factory.mktemp("previews") / "1.png"
    validator = validation.Validator(store, METHOD, seed=0)
    return validator, validator.measure(IDENTITY, picture), picture


def test_figures_are_those_of_the_noise_that_is_there(figures):
    validator, values, _ = figures
    assert tuple(values) == validator.names
    np.testing.assert_allclose(values["validation/real_std"], 0.05, rtol=0.05)
    np.testing.assert_allclose(values["validation/generated_std"], 0.05, rtol=0.05)
    assert abs(values["validation/real_correlation"]) < 0.05
    assert abs(values["validation/generated_correlation"]) < 0.05
    np.testing.assert_allclose(values["validation/noisy_psnr"], 20 * np.log10(1 / 0.05), atol=0.5)
    assert values["validation/restored_psnr"] == values["validation/noisy_psnr"]


def test_figures_repeat(figures, store):
    assert validation.Validator(store, METHOD, seed=0).measure(IDENTITY) == figures[1]


def test_correlated_noise_is_seen():
    white = np.random.default_rng(0).normal(size=(4, 32, 33, 3))
    blurred = (white[:, :, 1:] + white[:, :, :-1]) / 2
    np.testing.assert_allclose(validation.neighbour_correlation(blurred), 0.5, atol=0.03)


def test_the_preview_shows_the_crops_side_by_side(figures):
    sheet = np.asarray(Image.open(figures[2]).convert("RGB"))
    side = 24 * 6  # patches of 24 pixels, enlarged to at least 128
    assert sheet.shape == (28 + 6 * (side + 4), 7 * (side + 4) + 4, 3)
    clean = sheet[28 : 28 + side, 4 : 4 + side]
    assert (clean[::6, ::6] == clean[5::6, 5::6]).all()  # each pixel a square
    noise = sheet[28:, 4 + 4 * (side + 4) : 4 + 5 * (side + 4) - 4]
    assert abs(noise[:side].mean() - 127.5) < 3 and 20 < noise[:side].std() < 60
    assert (sheet[:28] < 100).any()  # names


def test_patches_too_small_for_the_method_are_refused(tmp_path):
    with writing.Writer(tmp_path / "s", patch=(6, 6), about={}) as writer:
        writer.add("paired", clean=np.zeros((6, 6, 3), np.uint8),
                   noisy=np.zeros((6, 6, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match=r"at least 8 pixels to validate on, got \(6, 6\)"):
        validation.Validator(tmp_path / "s", METHOD, seed=0)


def test_a_store_without_pairs_is_refused(tmp_path):
    with writing.Writer(tmp_path / "s", patch=(8, 8), about={}) as writer:
        writer.add("source", clean=np.zeros((8, 8, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match="no 'paired' patches"):
        validation.Validator(tmp_path / "s", METHOD, seed=0)


@pytest.fixture
def clean_store(tmp_path):
    random = np.random.default_rng(0)
    with writing.Writer(tmp_path / "s", patch=(48, 40), about={}) as writer:
        for i in range(3):
            clean = np.kron(random.integers(60, 190, (6, 5, 3)), np.ones((8, 8, 1)))
            writer.add("source", clean=clean.astype(np.uint8), source=f"{i}")
    return tmp_path / "s"


def validator(path, text):
    degrader = degrading.Degrader(parameters.parse(text))
    return validation.Validator(path, METHOD, seed=0, degrader=degrader)


def test_a_clean_store_is_degraded_alike_each_time(clean_store):
    first, again = (validator(clean_store, "awgn,sigma_255=20") for _ in range(2))
    figures = first.measure(IDENTITY)
    assert figures == again.measure(IDENTITY)
    np.testing.assert_allclose(figures["validation/real_std"], 20 / 255, rtol=0.03)
    np.testing.assert_allclose(figures["validation/noisy_psnr"], 20 * np.log10(255 / 20), atol=0.3)


def test_a_store_of_pairs_keeps_them_whatever_training_makes(figures, store):
    assert validator(store, "jpeg").measure(IDENTITY) == figures[1]


def test_smaller_noisy_images_are_enlarged_to_be_measured(clean_store):
    twice = METHOD._replace(
        imitate=None, sample_reach=None, restore_reach=base.Reach(1, 0, scale=2),
        restore=lambda variables, noisy, key, origin: jnp.repeat(jnp.repeat(noisy, 2, 1), 2, 2))
    made = validation.Validator(
        clean_store, twice, 0, degrading.Degrader(parameters.parse("blur,scale=2,widths=2")))
    figures = made.measure({})
    clean = store_.Store.open(clean_store).images("source", "clean")
    low = [blur.decimate(jnp.asarray(clean[i][4:44] / np.float32(255)), blur.kernel(2.0, 2.0, 0.0),
                         2) for i in range(3)]
    enlarged = {"noisy_psnr": [resize.bicubic(each, 2.0) for each in low],
                "restored_psnr": [each.repeat(2, 0).repeat(2, 1) for each in low]}
    for name, images in enlarged.items():
        expected = np.mean([psnr.rgb8(np.asarray(pixels.to_uint8(image)), clean[i][4:44])
                            for i, image in enumerate(images)])
        np.testing.assert_allclose(figures[f"validation/{name}"], expected, rtol=1e-4)


def test_pairs_of_two_sizes_are_measured_against_the_large_one(tmp_path):
    random = np.random.default_rng(0)
    with writing.Writer(tmp_path / "s", patch=(28, 20), about={}, scale=4) as writer:
        noisy = random.integers(60, 190, (7, 5, 3), np.uint8)
        clean = noisy.repeat(4, 0).repeat(4, 1)
        writer.add("paired", clean=clean, noisy=noisy, source="x")
    method = METHOD._replace(
        imitate=None, sample_reach=None, restore_reach=base.Reach(2, 0, scale=4),
        restore=lambda variables, noisy, key, origin: noisy.repeat(4, 1).repeat(4, 2))
    made = validation.Validator(tmp_path / "s", method, 0)
    picture = tmp_path / "1.png"
    figures = made.measure({}, picture)
    assert figures["validation/restored_psnr"] == 100  # the crops of both sides show the same
    window = noisy[1:5, :4]
    plain = pixels.to_uint8(resize.bicubic(jnp.asarray(window / np.float32(255)), 4.0))
    np.testing.assert_allclose(
        figures["validation/noisy_psnr"],
        psnr.rgb8(np.asarray(plain), window.repeat(4, 0).repeat(4, 1)), rtol=1e-3)
    assert picture.exists()
    with pytest.raises(ValueError, match="clean side is 4 times the noisy one, this method's is 1"):
        validation.Validator(tmp_path / "s", METHOD, 0)

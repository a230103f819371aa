import numpy as np
import pytest
from PIL import Image
from training import toy

from senm_jax.data import store as store_
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
    with store_.Writer(tmp_path / "s", patch=(6, 6), about={}) as writer:
        writer.add("paired", clean=np.zeros((6, 6, 3), np.uint8),
                   noisy=np.zeros((6, 6, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match=r"at least 8 pixels to validate on, got \(6, 6\)"):
        validation.Validator(tmp_path / "s", METHOD, seed=0)


def test_a_store_without_pairs_is_refused(tmp_path):
    with store_.Writer(tmp_path / "s", patch=(8, 8), about={}) as writer:
        writer.add("source", clean=np.zeros((8, 8, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match="no 'paired' patches"):
        validation.Validator(tmp_path / "s", METHOD, seed=0)

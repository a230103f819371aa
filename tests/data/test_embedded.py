"""Photographs without a download, and the simulated camera's photographs of them."""

import numpy as np
import pytest

from senm_jax.data import embedded, images, pairing
from senm_jax.degradations import camera


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return embedded.write(tmp_path_factory.mktemp("embedded") / "photographs", gains=(2.0, 4.0))


def scenes(folder):
    return {path.name.removesuffix(".png").split("_")[0] for path in images.find(folder)}


def test_test_scenes_are_seen_by_no_training(folder):
    test = scenes(folder / "test")
    assert len(test) == len(embedded.TEST)
    for part in ("clean", "noisy", "pairs"):
        assert not test & scenes(folder / part)
    assert not scenes(folder / "clean") & scenes(folder / "noisy")


def test_every_training_scene_gives_a_pair_at_each_gain(folder):
    matched, unmatched = pairing.match(
        folder / "pairs" / "clean", folder / "pairs" / "noisy",
        images.find(folder / "pairs" / "clean"), images.find(folder / "pairs" / "noisy"),
    )
    assert not unmatched
    assert len(matched) == 2 * len(embedded.CLEAN + embedded.NOISY)
    assert all(images.read_size(clean) == (96, 96) for clean, _ in matched)


def test_noisy_photographs_name_camera_and_iso(folder):
    tags = {images.read_tags(path) for path in images.find(folder / "noisy")}
    assert tags == {(embedded.MODEL, 200), (embedded.MODEL, 400)}


def test_noise_grows_with_the_gain_and_is_the_camera_s(folder):
    def noise(iso):
        clean, noisy = (images.read_rgb8(folder / "test" / side / f"coffee_{iso}.png") / 255
                        for side in ("clean", "noisy"))
        return noisy - clean

    weak, strong = noise(200), noise(400)
    assert 1.2 < strong.std() / weak.std() < 1.6
    found = np.corrcoef(weak[:, 1:].ravel(), weak[:, :-1].ravel())[0, 1]
    assert abs(found - float(camera.neighbour_correlation(camera.Camera()))) < 0.03


def test_same_seed_same_photographs(folder, tmp_path):
    again = embedded.write(tmp_path / "again", gains=(2.0,))
    other = embedded.write(tmp_path / "other", gains=(2.0,), seed=1)
    name = "noisy/ihc_200.png"
    assert (again / name).read_bytes() == (folder / name).read_bytes()
    assert (other / name).read_bytes() != (folder / name).read_bytes()


def test_an_existing_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="exists"):
        embedded.write(tmp_path, gains=(2.0,))


def test_a_missing_photograph_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded.skimage.data, "data_dir", str(tmp_path))
    with pytest.raises(ValueError, match="astronaut.png.*wheel"):
        embedded.write(tmp_path / "out", gains=(2.0,))
    assert not (tmp_path / "out").exists()

"""A built dataset of tensorflow-datasets becomes a store, without TensorFlow."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from senm_jax.cli import main
from senm_jax.data import catalogue, duplicates, store


@pytest.fixture
def built(tmp_path, scene, noisy, save):
    """The folder of a dataset of three pairs, noisy ones as PNG and clean ones too."""
    images = tmp_path / "images"
    for i in range(3):
        save(images / f"clean{i}.png", scene(i))
        save(images / f"noisy{i}.png", noisy(scene(i), 12, i))

    class Pairs(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        name, pkg_dir_path, VERSION = "pairs", None, tfds.core.Version("1.0.0")

        def _info(self):
            image = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
            features = {"gt": image, "camera_image": image, "id": tfds.features.Text()}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for i in range(3):
                yield str(i), {"gt": str(images / f"clean{i}.png"), "id": str(i),
                               "camera_image": str(images / f"noisy{i}.png")}

    builder = Pairs(data_dir=tmp_path / "built", file_format="array_record")
    builder.download_and_prepare()
    return str(builder.data_dir)


def test_pairs_are_packed_from_two_features(built, tmp_path, scene):
    out = catalogue.prepare(built, tmp_path / "out", split="train", clean="gt",
                            noisy="camera_image", patch=32, per_image=4, align=True,
                            tell=lambda text: None)
    packed = store.Store.open(out)
    assert packed.index["about"]["align"] is True
    assert {domain: len(packed.records(domain)) for domain in packed.domains} == {"paired": 12}
    # Examples stand in the order of a hash; each patch is a window of one of the scenes.
    found = set()
    for record, patch in zip(packed.records("paired"), packed.images("paired", "clean"),
                             strict=True):
        row, col = record["position"]
        same = [i for i in range(3)
                if np.array_equal(patch, scene(i)[row : row + 32, col : col + 32])]
        assert len(same) == 1
        found.add((record["source"], same[0]))
    assert len(found) == 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_one_feature_gives_one_domain(built, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main.main(["prepare", "tfds", built, out, "--noisy", "camera_image", "--patch", "32",
                      "--split", "train[:2]"]) == 0
    packed = store.Store.open(out)
    assert packed.domains == ("target",)
    told = []
    catalogue.prepare(built, tmp_path / "again", split="train", clean="gt", patch=32,
                      tell=told.append, apart_from=duplicates.of_store(out))
    assert "near-duplicate: 2 " in told[0]
    assert {record["source"] for record in packed.records("target")} == {
        "000000.png", "000001.png"}


@pytest.mark.parametrize(("change", "message"), [
    ({"clean": "label"}, "expected an image feature, one of camera_image, gt, got 'label'"),
    ({"split": "tests"}, "Unknown split 'tests'"),
    ({"clean": None}, "give --clean FEATURE, --noisy FEATURE or both"),
    ({"dataset": "no_such_set"}, "no_such_set: neither a folder nor in the catalogue"),
])
def test_what_is_not_there_is_named(built, tmp_path, change, message):
    given = {"dataset": built, "split": "train", "clean": "gt"} | change
    with pytest.raises(ValueError, match=message):
        catalogue.prepare(given.pop("dataset"), tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()

"""The table of camera configurations: from the stores into the config, held to by the batches."""

import json

import numpy as np
import pytest
from training import toy

from senm_jax.data import store, writing
from senm_jax.training import loop, runs, tasks

HYPER = {"levels": 1, "transitions": 1, "blocks": 1, "width": 4, "hidden": 2}


def write(path, cameras):
    rng = np.random.default_rng(0)
    with writing.Writer(path, patch=(16, 16), about={}) as writer:
        for i, camera in enumerate(cameras):
            clean, noisy = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
            writer.add("paired", clean=clean, noisy=noisy, camera=camera, iso=100, source=f"{i}")
    return path


def config(path, hyper=HYPER | {"configurations": ()}, **changes):
    fields = toy.config(path, method="naflow", hyper=hyper, steps=2, data__validation=str(path),
                        **changes)
    fields["optimisers"] = {"flow": fields["optimisers"]["painter"] | {"skip_not_finite": 3}}
    return fields


def test_an_empty_table_becomes_the_stores_and_is_kept_with_the_run(tmp_path):
    cameras = ["b", "a", "b", "a", "c"]
    path = write(tmp_path / "store", cameras)
    run = loop.train(config(path), tmp_path / "run")
    names = ("a_00100", "b_00100", "c_00100")
    assert run.method.configurations == names
    assert run.variables["flow"]["params"]["configurations"]["mean"].shape == (3, 12)
    meta = tmp_path / "run" / "checkpoints" / "2" / "meta" / "metadata"
    assert json.loads(meta.read_text())["config"]["hyper"]["configurations"] == list(names)
    again = loop.train(config(path, HYPER), tmp_path / "run")  # resolved alike: nothing left to do
    assert again.step == 2 and runs.digests(again.variables) == runs.digests(run.variables)


def test_a_patch_that_the_table_lacks_is_refused_before_training(tmp_path):
    path = write(tmp_path / "store", ["a", "b"])
    asked = config(path)
    asked["hyper"]["configurations"] = ("a_00100",)
    with pytest.raises(ValueError, match="1 paired patches are of b_00100, which config.hyper"):
        tasks.prepare(asked, tmp_path / "run")
    untagged = write(tmp_path / "untagged", [None, None])
    with pytest.raises(ValueError, match="expected noisy patches with the camera that took them"):
        tasks.prepare(config(untagged), tmp_path / "run")


def test_the_table_is_that_of_the_noisy_patches_in_use(tmp_path):
    held = store.Store.open(write(tmp_path / "store", ["b", "a"]))
    assert tasks.learnt_configurations([held], {"paired": 1}) == ("a_00100", "b_00100")
    with pytest.raises(ValueError, match="store: expected noisy patches with the camera"):
        tasks.learnt_configurations([held], {"paired": 0, "source": 4})

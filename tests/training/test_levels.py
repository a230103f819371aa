"""Pairs without a noise level: refused by a method that reads it, before anything is trained."""

import numpy as np
import pytest
from training import toy

from senm_jax.data import writing
from senm_jax.training import tasks

SIZES = {"width": 4, "growth": 2, "levels": (1,), "predictor_width": 4, "gan_weight": 0.0}


def _config(path, **hyper):
    fields = toy.config(path, method="senm_vae", hyper=SIZES | hyper)
    return fields | {"optimisers": {"generator": fields["optimisers"]["painter"]}}


def test_a_pair_without_a_level_is_refused_by_name_where_the_level_is_read(tmp_path):
    image = np.zeros((16, 16, 3), np.uint8)
    with writing.Writer(tmp_path / "s", patch=(16, 16), about={}) as writer:
        for i, level in enumerate([0.1, None, None]):
            writer.add("paired", clean=image, noisy=image, level=level, source=f"{i}.png",
                       position=(i, 7))
    message = (r"s: 2 of 3 pairs have no noise level, the first is patch 1, of 1.png at \[1, 7\]; "
               "make the store .* or .* config.hyper.patch_level=false")
    with pytest.raises(ValueError, match=message):
        tasks.prepare(_config(tmp_path / "s", patch_level=True), tmp_path / "run")


def test_a_restorer_that_is_told_the_level_needs_one_of_every_pair_and_one_to_validate_from(
    tmp_path
):
    image = np.zeros((16, 16, 3), np.uint8)
    for name, level in (("known", 0.1), ("unknown", None)):
        with writing.Writer(tmp_path / name, patch=(16, 16), about={}) as writer:
            writer.add("paired", clean=image, noisy=image, level=level, source="0.png")

    def prepare(name, level, validation=""):
        hyper = {"network": "ffdnet", "architecture": {"depth": 2, "width": 4}, "level": level}
        fields = toy.config(tmp_path / name, method="supervised", hyper=hyper)
        fields["optimisers"] = {"restorer": fields["optimisers"]["painter"]}
        fields["data"] = {**fields["data"], "rows": {"paired": 1}, "crop": 8,
                          "validation": validation}
        return tasks.prepare(fields, tmp_path / "run")

    with pytest.raises(ValueError, match="unknown: 1 of 1 pairs have no noise level, .* a blind "):
        prepare("unknown", 0.1)
    with pytest.raises(ValueError, match="config.hyper.level: expected .* validation .* got 0"):
        prepare("known", 0.0, str(tmp_path / "known"))
    assert prepare("known", 0.1, str(tmp_path / "known")).validator

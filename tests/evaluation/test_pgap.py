import dataclasses

import numpy as np
import pytest
from evaluation import worlds

from senm_jax.evaluation import patches, pgap


@dataclasses.dataclass(frozen=True)
class Data:
    stores: tuple = ("real",)
    weights: tuple = ()
    validation: str = ""
    crop: int = 64


@dataclasses.dataclass(frozen=True)
class Config:
    method: str = "supervised"
    seed: int = 0
    log_every: int = 100
    best: str = ""
    data: Data = Data()
    hyper: dict = dataclasses.field(default_factory=lambda: {"loss": "l1"})


def _run(function, *, step=5, **config):
    return worlds.run_of(worlds.restorer(function), step=step, config=Config(**config))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("pgap") / "store", each=2)


def test_the_gap_is_the_difference_of_the_psnrs(store):
    real, worse = _run(lambda y: y), _run(lambda y: 0.9 * y, data=Data(("synthetic", "more")))
    result, same = pgap.evaluate(real, [worse, real], store, names=("a", "b", "c"), batch=3)
    assert list(result.rows)[:2] == [patches.ALL, patches.MEAN]
    for group, row in result.rows.items():
        assert row["real"] == row["noisy"] == result.real.rows[group]["restored_psnr_rgb"]
        assert row["synthetic"] == result.synthetic.rows[group]["restored_psnr_rgb"]
        np.testing.assert_allclose(row["pgap"], row["real"] - row["synthetic"])
        assert row["pgap"] > 1
    assert (result.real.name, result.name, same.name) == ("a", "b", "c")
    assert same.real == result.real and same.rows[patches.ALL]["pgap"] == 0


def test_runs_may_differ_in_what_they_learn_from_and_log_and_in_nothing_else():
    first = _run(lambda y: y)
    same = _run(lambda y: y, seed=1, log_every=5, data=Data(("x", "y"), (1.0, 2.0), "v"))
    assert pgap.recipe_differences(first, same) == {}
    other = _run(lambda y: y, step=6, data=Data(crop=32), hyper={"loss": "mse"})
    assert pgap.recipe_differences(first, other) == {
        "data.crop": (64, 32), "hyper.loss": ("l1", "mse"), "step": (5, 6)
    }


def test_the_best_of_runs_of_one_length_are_compared_whatever_steps_they_are_of(tmp_path):
    def trained(name, best, last):
        for step in (best, last):
            (tmp_path / name / "checkpoints" / str(step)).mkdir(parents=True)
        run = _run(lambda y: y, step=best, best="validation/restored_psnr")
        run.path = tmp_path / name
        return run

    first, same, shorter = trained("a", 2, 9), trained("b", 5, 9), trained("c", 2, 5)
    assert pgap.recipe_differences(first, same) == {}
    assert pgap.recipe_differences(first, shorter) == {"step": (9, 5)}


def test_another_recipe_is_refused_by_name(store):
    other = _run(lambda y: y, hyper={"loss": "mse"})
    run = _run(lambda y: y)
    with pytest.raises(ValueError, match="differ in hyper.loss: 'l1' and 'mse'; train one"):
        pgap.evaluate(run, [run, other], store, names=("a", "b", "c"))

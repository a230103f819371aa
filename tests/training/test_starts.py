"""Training that starts from another run: what it takes over, and what it refuses."""

import logging

import jax
import numpy as np
import pytest
from training import toy

from senm_jax.training import loop, runs


@pytest.fixture
def first(store, tmp_path):
    return loop.train(toy.config(store, steps=2), tmp_path / "first")


def test_players_of_the_same_name_start_where_the_other_run_ended(
        first, store, tmp_path, caplog):
    config = toy.config(store, steps=1, start=str(first.path),
                        optimisers__painter__learning_rate=0.0,
                        optimisers__judge__learning_rate=0.0)
    with caplog.at_level(logging.INFO):
        run = loop.train(config, tmp_path / "second")
    assert f"starting judge, painter from {first.path} after 2 steps" in caplog.text
    assert run.step == 1
    jax.tree.map(np.testing.assert_array_equal,
                 *({player: each.variables[player]["params"] for player in each.variables}
                   for each in (first, run)))
    ballast = {each.step: each.variables["painter"]["statistics"]["ballast"]
               for each in (first, run)}
    np.testing.assert_array_equal(ballast[1], ballast[2] + 1)  # statistics go on too


def test_a_run_that_goes_on_does_not_start_again(first, store, tmp_path):
    config = toy.config(store, steps=1, start=str(first.path))
    loop.train(config, tmp_path / "second")
    (first.path / "config.json").rename(first.path / "away.json")  # it is needed no more
    assert loop.train({**config, "steps": 2}, tmp_path / "second").step == 2


def test_what_does_not_fit_is_refused_before_anything_is_written(
        first, store, tmp_path, monkeypatch):
    new = tmp_path / "second"
    wider = toy.config(store, start=str(first.path), hyper__ballast=5)
    with pytest.raises(ValueError, match=r"painter: statistics/ballast: expected \(5,\), got \(1,"):
        loop.train(wider, new)
    with pytest.raises(ValueError, match="nowhere: expected a run's folder"):
        loop.train(toy.config(store, start=str(tmp_path / "nowhere")), new)
    monkeypatch.setattr(runs, "open", lambda path: first.__class__(
        first.path, first.config, first.method, {"flow": {}}, 2, ""))
    with pytest.raises(ValueError, match=r"players \['judge', 'painter'\], got \['flow'\]"):
        loop.train(toy.config(store, start=str(first.path)), new)
    assert not (new / "config.json").exists()

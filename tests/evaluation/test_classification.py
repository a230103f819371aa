"""Judging camera configurations: who is found, what it costs, and what is not known."""

import functools
import math

import jax.numpy as jnp
import numpy as np
import pytest
from evaluation import worlds

from senm_jax.cli import main
from senm_jax.data import configurations
from senm_jax.evaluation import classification, configuration_section, patches, report
from senm_jax.methods import base

STDS = {"one_00100": 0.02, "one_00800": 0.05, "two": 0.03}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("classification") / "store", each=3)


@functools.cache
def method(names=tuple(STDS)):
    """White noise of each configuration's own strength."""

    def judge(variables, clean, noisy):
        strength = jnp.sqrt(jnp.mean(0.02 + 2 * clean**2, axis=(1, 2, 3), keepdims=True))
        std = strength * jnp.array([STDS[name] for name in names])[None, :, None, None]
        noise = (noisy - clean).reshape(len(clean), 1, -1, 1)
        log_prob = -0.5 * jnp.mean(
            (noise / std) ** 2 + jnp.log(2 * jnp.pi * std**2), axis=(2, 3))
        return base.Judgement(8 - log_prob / math.log(2), log_prob * noise.shape[2])

    return base.Method((), None, None, judge=judge, configurations=names)


def test_the_true_configuration_is_found_and_costs_least(store):
    result = classification.evaluate(worlds.run_of(method()), store, name="right")
    assert result.configurations == tuple(STDS) and not result.left_out
    np.testing.assert_array_equal(result.confusion, 3 * np.eye(3, dtype=int))
    rows = result.rows
    assert list(rows) == [patches.ALL, patches.MEAN, *sorted(STDS)]
    assert all(row["accuracy"] == 1 for row in rows.values())
    for name, std in STDS.items():  # Gaussian entropy of a mean strength
        expected = 8 + math.log2(std * math.sqrt(2 * math.pi * math.e))
        assert expected - 0.5 < rows[name]["bpd"] < expected + 1
        np.testing.assert_allclose(rows[name]["released_bits"], 3 * rows[name]["bpd"] - 16)


def test_figures_do_not_depend_on_the_batch_or_on_the_others(store):
    run = worlds.run_of(method())
    whole = classification.evaluate(run, store, name="x")
    each = classification.evaluate(run, store, name="x", batch=2)
    assert whole.rows[patches.ALL]["bpd"] == pytest.approx(each.rows[patches.ALL]["bpd"], rel=1e-6)
    np.testing.assert_array_equal(whole.confusion, each.confusion)


def test_a_configuration_that_the_table_lacks_is_left_out_and_named(store):
    run = worlds.run_of(method(("one_00800", "one_00100")))
    result = classification.evaluate(run, store, name="less")
    assert result.left_out == {"two": 3}
    np.testing.assert_array_equal(result.confusion, 3 * np.eye(2, dtype=int))
    section = configuration_section.of_configurations([result])
    assert "less does not know, and leaves out: two (3)." in section.text
    text = report.to_markdown("x", [section])
    assert "| one_00800 | 3 | 0 |" in text and "100.00" not in text
    with pytest.raises(ValueError, match="expected pairs of the run's configurations, three; got"):
        run = worlds.run_of(method()._replace(configurations=("three",)))
        classification.evaluate(run, store, name="none")


def test_what_a_network_cannot_take_of_a_patch_is_not_judged(store):
    plain, seen = method(), []

    def judge(variables, clean, noisy):
        seen.append(noisy.shape[1:])
        return plain.judge(variables, clean, noisy)

    run = worlds.run_of(plain._replace(judge=judge, sample_reach=base.Reach(32, 2)))
    classification.evaluate(run, store, name="x")
    assert seen == [(32, 32, 3)]  # of 48x48


def test_runs_of_one_configuration_and_of_several_stand_in_one_report(store):
    several = classification.evaluate(worlds.run_of(method()), store, name="several")
    one = classification.evaluate(worlds.run_of(method(("two",))), store, name="one")
    for results in ([several, one], [one, several]):
        section = configuration_section.of_configurations(results)
        everything, mean, grouped = section.tables[:3]
        assert [row["run"] for row in everything.rows] == [each.name for each in results]
        assert [row["run"] for row in mean.rows] == ["several"]
        assert grouped.title == "several by configuration"


def test_a_method_that_cannot_judge_is_refused(store):
    with pytest.raises(ValueError, match="runs/fake: its method does not judge camera"):
        classification.evaluate(worlds.run_of(worlds.white()), store, name="white")


def test_the_command_asks_for_no_seed(store, tmp_path):
    with pytest.raises(SystemExit):
        main.main(["evaluate", "configurations", "--run", "x", "--store", str(store.path),
                   "--out", str(tmp_path), "--seed", "1"])


def test_names_are_the_stores():
    tags = [("GP", 50), ("two", None), (None, 100)]
    assert configurations.names(tags) == ["GP_00050", "two", None]

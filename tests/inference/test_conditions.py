"""Conditions: a function of seed and name, of the asked-for distribution, and checked."""

import types

import jax.numpy as jnp
import numpy as np
import pytest
from inference import small

from senm_jax.data import store
from senm_jax.inference import conditions
from senm_jax.methods import base


def _levels(run, text, count=400, seed=0):
    draw = conditions.make(run, seed, level=text)
    return np.array([draw(f"image {i}")["level"] for i in range(count)])


def test_a_number_is_itself_and_a_range_is_uniform(white):
    assert set(_levels(white, "0.07", 5)) == {0.07}
    drawn = np.sort(_levels(white, "0.02:0.1"))
    assert 0.02 < drawn[0] < drawn[-1] < 0.1
    np.testing.assert_allclose(drawn, np.linspace(0.02, 0.1, 400), atol=0.006)


def test_draws_are_a_function_of_seed_and_name(white):
    first = conditions.make(white, 0, level="0:1")
    again = conditions.make(white, 0, level="0:1")
    other = conditions.make(white, 1, level="0:1")
    names = ["a", "b", "c"]
    assert [first(n) for n in names] == [again(n) for n in reversed(names)][::-1]
    assert first("a") != other("a") and first("a") != first("b")


def test_sidd_rule_at_its_middle_and_its_ends():
    shot = np.sqrt(0.00068674 * 0.02194856)
    read = 10 ** (1.85 * np.log10(shot) + 0.30)
    np.testing.assert_allclose(conditions.sidd_level(0.5, 0.5), np.sqrt(shot + read))
    assert 0.025 < conditions.sidd_level(1e-9, 0.5) < 0.028
    assert 0.15 < conditions.sidd_level(1 - 1e-9, 0.5) < 0.17


def test_like_takes_recorded_levels_of_pairs_and_measures_targets(white, real):
    table = [row["level"] for row in conditions.imitated(white, store.Store.open(real))]
    np.testing.assert_allclose(table[:6], [0.01 * i for i in range(1, 7)])
    np.testing.assert_allclose(table[6:], [0.12, 0.13, 0.14, 0.15], rtol=0.2)
    named, trained = _levels(white, f"like:{real}"), _levels(white, None)
    np.testing.assert_array_equal(named, trained)
    assert set(named) == set(table)


def test_measured_levels_are_of_the_noise(white, tmp_path):
    rng = np.random.default_rng(0)
    clean = rng.integers(60, 190, (40, 12, 12, 3), dtype=np.uint8)
    noisy = clean + rng.integers(0, 20, clean.shape, dtype=np.uint8)
    with store.Writer(tmp_path / "s", patch=(12, 12), about={}) as writer:
        for i in range(40):
            writer.add("paired", clean=clean[i], noisy=noisy[i], source=str(i))
    table = conditions.imitated(white, store.Store.open(tmp_path / "s"))
    expected = ((noisy - clean) / 255).std((1, 2, 3), ddof=1)
    np.testing.assert_allclose([row["level"] for row in table], expected, rtol=1e-4)


def test_a_method_s_own_ranges_are_drawn_from_until_others_are_asked_for(tmp_path):
    run = small.lud_vae(tmp_path / "run")
    names = [f"image {i}" for i in range(400)]
    draw = conditions.make(run, 0)
    drawn = np.sort([draw(name)["pre_noise"] for name in names]) * 255
    np.testing.assert_allclose(drawn, np.linspace(30, 70, 400), atol=3)
    assert {draw(name)["temperature"] for name in names} == {1.0}
    asked = conditions.make(run, 0, pre_noise="0.02:0.1", temperature="2")
    drawn = np.sort([asked(name)["pre_noise"] for name in names])
    np.testing.assert_allclose(drawn, np.linspace(0.02, 0.1, 400), atol=0.006)
    assert {asked(name)["temperature"] for name in names} == {2.0}


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"temperature": "1"}, r"--temperature: this method takes \['level'\]"),
        ({"pre_noise": "1"}, r"--pre-noise: this method takes \['level'\]"),
        ({"heat": "1"}, r"--heat: this method takes \['level'\]"),
        ({"level": "loud"}, "--level: expected a number from 0 up or a range A:B, .* 'loud'"),
        ({"level": "0.2:0.1"}, "--level: expected .* got '0.2:0.1'"),
        ({"level": "-1"}, "--level: expected .* got '-1'"),
        ({"level": "1:2:3"}, "--level: expected .* got '1:2:3'"),
        ({"level": "nan"}, "--level: expected .* got 'nan'"),
        ({"level": "like:nowhere"}, "nowhere: is no patch store .* or say by --level"),
    ],
)
def test_what_cannot_be_drawn_is_refused(white, fields, message):
    with pytest.raises(ValueError, match=message):
        conditions.make(white, 0, **fields)


def test_a_store_without_noise_is_no_model(white, tmp_path):
    with store.Writer(tmp_path / "s", patch=(4, 4), about={}) as writer:
        writer.add("source", clean=np.zeros((4, 4, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match=r"has no noisy patches .* only \['source'\]"):
        conditions.make(white, 0, level=f"like:{tmp_path / 's'}")


class _Cameras:
    """A run of a method that tells two configurations apart, by the mean of its noise."""

    def __init__(self, stores=()):
        def imitate(variables, clean, noisy):
            share = jnp.mean(noisy - clean, axis=(1, 2, 3))
            return {"a": share, "b": 1 - share, "temperature": jnp.ones(len(noisy))}

        self.method = base.Method(
            (), None, None, imitate=imitate, imitate_needs_clean=True, configurations=("a", "b"),
            conditions={"a": 0.0, "b": 0.0, "temperature": 1.0},
        )
        self.variables = {}
        self.config = types.SimpleNamespace(data=types.SimpleNamespace(stores=stores))


def test_a_named_configuration_stands_alone():
    draw = conditions.make(_Cameras(), 0, temperature="0.5", configuration="b")
    assert draw("image") == {"a": 0.0, "b": 1.0, "temperature": 0.5}
    with pytest.raises(ValueError, match="--configuration: this method knows a, b, got 'c'"):
        conditions.make(_Cameras(), 0, configuration="c")


def test_a_random_configuration_is_each_image_s_own_and_all_are_alike_likely(white):
    draw = conditions.make(_Cameras(), 0, configuration="random")
    drawn = [draw(f"image {i}") for i in range(400)]
    assert drawn[:9] == [draw(f"image {i}") for i in range(9)]
    assert all(sorted((each["a"], each["b"])) == [0, 1] for each in drawn)
    assert 160 < sum(each["a"] for each in drawn) < 240
    with pytest.raises(ValueError, match="--configuration: this method knows none, got 'random'"):
        conditions.make(white, 0, configuration="random")


def test_configurations_are_like_the_pairs_of_a_store(real, white):
    drawn = conditions.make(_Cameras((str(real),)), 0)("image")
    assert drawn["a"] + drawn["b"] == pytest.approx(1) and set(drawn) == {"a", "b", "temperature"}
    assert conditions.make(_Cameras(), 0, configuration=f"like:{real}")("image") == drawn
    assert len(conditions.imitated(_Cameras(), store.Store.open(real))) == 6  # not the targets
    with pytest.raises(ValueError, match="--configuration: the run names no training stores"):
        conditions.make(_Cameras(), 0)
    with pytest.raises(ValueError, match="--configuration: this method knows none"):
        conditions.make(white, 0, configuration="a")


def test_levels_are_not_measured_on_pairs_of_two_sizes(tmp_path):
    with store.Writer(tmp_path / "s", patch=(4, 4), about={}, scale=2) as writer:
        writer.add("paired", clean=np.zeros((4, 4, 3), np.uint8),
                   noisy=np.zeros((2, 2, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match="noisy patches are 2 times smaller than the clean ones"):
        conditions.imitated(None, store.Store.open(tmp_path / "s"))

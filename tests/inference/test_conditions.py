"""Conditions: a function of seed and name, of the asked-for distribution, and checked."""

import types

import jax.numpy as jnp
import numpy as np
import pytest
from inference import small

from senm_jax.data import store, writing
from senm_jax.inference import conditions, imitation, likeness
from senm_jax.methods import base


def _unread():
    raise AssertionError("the image was read, and its conditions do not go with what it shows")


def _levels(run, text, count=400, seed=0, read=_unread):
    draw = conditions.make(run, seed, level=text)
    return np.array([draw(f"image {i}", read)["level"] for i in range(count)])


def _ruled(height):
    """An image of stripes of this height, [0, 1], and how much neighbours differ on average."""
    image = np.zeros((8, 8, 3), np.float32)
    image[:, ::2] = height
    return image, height / 2


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
    assert [first(n, _unread) for n in names] == [again(n, _unread) for n in reversed(names)][::-1]
    assert first("a", _unread) != other("a", _unread)
    assert first("a", _unread) != first("b", _unread)


def test_sidd_rule_at_its_middle_and_its_ends():
    shot = np.sqrt(0.00068674 * 0.02194856)
    read = 10 ** (1.85 * np.log10(shot) + 0.30)
    np.testing.assert_allclose(conditions.sidd_level(0.5, 0.5), np.sqrt(shot + read))
    assert 0.025 < conditions.sidd_level(1e-9, 0.5) < 0.028
    assert 0.15 < conditions.sidd_level(1 - 1e-9, 0.5) < 0.17


def test_a_store_with_pairs_is_imitated_by_their_recorded_levels(white, real):
    found = imitation.examples(white, store.Store.open(real))
    levels = [each.conditions["level"] for each in found]
    np.testing.assert_allclose(levels, [0.01 * i for i in range(1, 7)])


def test_levels_are_like_those_of_pairs_of_the_image_s_texture(white, tmp_path):
    # Levels go as the square root of the mean difference, times a factor that it does not tell.
    with writing.Writer(tmp_path / "s", patch=(8, 8), about={}) as writer:
        for height in (20, 40, 80, 160):
            for factor in (0.5, 2.0):
                image, differ = _ruled(height / 255)
                clean = (image * 255).round().astype(np.uint8)
                level = factor * np.sqrt(differ + likeness.LEAST_DIFFERENCE) / 10
                writer.add("paired", clean=clean, noisy=clean, level=level, source="x")
    like = f"like:{tmp_path / 's'}"
    for height in (20, 57, 160):
        image, differ = _ruled(height / 255)
        found = _levels(white, like, read=lambda: image)
        rule = np.sqrt(differ + likeness.LEAST_DIFFERENCE) / 10
        np.testing.assert_allclose(np.unique(found.round(6)), [rule / 2, rule * 2], rtol=1e-3)
        assert 160 < np.sum(found > rule) < 240
    for height, most in ((1.0, 160 / 255), (0.0, 20 / 255)):  # textures that no pair has
        found = _levels(white, like, 9, read=lambda: _ruled(height)[0])
        np.testing.assert_array_equal(found, _levels(white, like, 9, read=lambda: _ruled(most)[0]))


def test_moved_levels_stay_within_those_of_pairs_and_silent_pairs_tell_no_slope():
    line = likeness.line([0.0, 0.01, 0.02, 0.04], [-6.0, -5.0, -4.0, -3.0])
    np.testing.assert_allclose(line.slope, np.log(2))
    np.testing.assert_allclose(line.moved(0.01, -5.0, -4.0), 0.02)
    assert line.moved(0.04, -5.0, -3.0) == 0.04
    assert line.moved(0.0, -6.0, -3.0) == 0.0


def test_pairs_are_taken_where_one_of_the_stores_has_them(tmp_path, real):
    with writing.Writer(tmp_path / "s", patch=(8, 8), about={}) as writer:
        writer.add("target", noisy=np.zeros((8, 8, 3), np.uint8), source="x")
    run = small.white(tmp_path / "run", (str(tmp_path / "s"), str(real)))
    found = _levels(run, None, read=lambda: _ruled(0.3)[0])
    np.testing.assert_allclose(np.unique(found.round(6)), [0.01 * i for i in range(1, 7)])


def test_levels_without_pairs_are_those_of_noisy_patches(white, tmp_path):
    rng = np.random.default_rng(0)
    with writing.Writer(tmp_path / "s", patch=(16, 16), about={}) as writer:
        for std in (5, 20):
            noisy = np.clip(128 + std * rng.standard_normal((16, 16, 3)), 0, 255)
            writer.add("target", noisy=noisy.astype(np.uint8), source="x")
    found = _levels(white, f"like:{tmp_path / 's'}")
    np.testing.assert_allclose(np.unique(found) * 255, [5, 20], rtol=0.2)


def test_levels_are_like_the_training_stores_where_none_is_asked_for(white, real):
    image, _ = _ruled(0.3)
    named = _levels(white, f"like:{real}", 9, read=lambda: image)
    np.testing.assert_array_equal(named, _levels(white, None, 9, read=lambda: image))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5, 3), (8, 8, 3)])
def test_a_flat_image_of_any_size_has_a_texture(shape):
    flat = likeness.texture(np.full(shape, 0.4, np.float32))
    np.testing.assert_allclose(flat, np.log(likeness.LEAST_DIFFERENCE))


def test_pairs_of_one_texture_tell_no_slope():
    line = likeness.line([0.01, 0.02], [-3.0, -3.0])
    assert line.slope == 0 and line.moved(0.01, -3.0, 5.0) == 0.01


def test_measured_levels_are_of_the_noise(white, tmp_path):
    rng = np.random.default_rng(0)
    clean = rng.integers(60, 190, (40, 12, 12, 3), dtype=np.uint8)
    noisy = clean + rng.integers(0, 20, clean.shape, dtype=np.uint8)
    with writing.Writer(tmp_path / "s", patch=(12, 12), about={}) as writer:
        for i in range(40):
            writer.add("paired", clean=clean[i], noisy=noisy[i], source=str(i))
    table = imitation.examples(white, store.Store.open(tmp_path / "s"))
    expected = ((noisy - clean) / 255).std((1, 2, 3), ddof=1)
    np.testing.assert_allclose([each.conditions["level"] for each in table], expected, rtol=1e-4)


def test_a_method_s_own_ranges_are_drawn_from_until_others_are_asked_for(tmp_path):
    run = small.lud_vae(tmp_path / "run")
    names = [f"image {i}" for i in range(400)]
    draw = conditions.make(run, 0)
    drawn = np.sort([draw(name, _unread)["pre_noise"] for name in names]) * 255
    np.testing.assert_allclose(drawn, np.linspace(30, 70, 400), atol=3)
    assert {draw(name, _unread)["temperature"] for name in names} == {1.0}
    asked = conditions.make(run, 0, pre_noise="0.02:0.1", temperature="2")
    drawn = np.sort([asked(name, _unread)["pre_noise"] for name in names])
    np.testing.assert_allclose(drawn, np.linspace(0.02, 0.1, 400), atol=0.006)
    assert {asked(name, _unread)["temperature"] for name in names} == {2.0}


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"temperature": "1"}, r"--temperature: this method takes \['level'\]"),
        ({"pre_noise": "1"}, r"--pre-noise: this method takes \['level'\]"),
        ({"heat": "1"}, r"--heat: this method takes \['level'\]"),
        ({"level": "loud"}, "--level: expected a number from 0 to 1 or a range A:B, .* 'loud'"),
        ({"level": "0.1:1.5"}, "--level: expected a number from 0 to 1 .* '0.1:1.5'"),
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
    with writing.Writer(tmp_path / "s", patch=(4, 4), about={}) as writer:
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
    assert draw("image", _unread) == {"a": 0.0, "b": 1.0, "temperature": 0.5}
    with pytest.raises(ValueError, match="--configuration: this method knows a, b, got 'c'"):
        conditions.make(_Cameras(), 0, configuration="c")


def test_a_random_configuration_is_each_image_s_own_and_all_are_alike_likely(white):
    draw = conditions.make(_Cameras(), 0, configuration="random")
    drawn = [draw(f"image {i}", _unread) for i in range(400)]
    assert drawn[:9] == [draw(f"image {i}", _unread) for i in range(9)]
    assert all(sorted((each["a"], each["b"])) == [0, 1] for each in drawn)
    assert 160 < sum(each["a"] for each in drawn) < 240
    with pytest.raises(ValueError, match="--configuration: this method knows none, got 'random'"):
        conditions.make(white, 0, configuration="random")


def test_configurations_are_like_the_pairs_of_a_store(real, white):
    drawn = conditions.make(_Cameras((str(real),)), 0)("image", _unread)
    assert drawn["a"] + drawn["b"] == pytest.approx(1) and set(drawn) == {"a", "b", "temperature"}
    assert conditions.make(_Cameras(), 0, configuration=f"like:{real}")("image", _unread) == drawn
    assert len(imitation.examples(_Cameras(), store.Store.open(real))) == 6  # not the targets
    with pytest.raises(ValueError, match="--configuration: the run names no training stores"):
        conditions.make(_Cameras(), 0)
    with pytest.raises(ValueError, match="--configuration: this method knows none"):
        conditions.make(white, 0, configuration="a")


def test_a_store_is_no_configuration_where_there_are_none(real, white):
    for level in (None, "0.05"):
        with pytest.raises(ValueError, match="--configuration: this method knows none, got 'like"):
            conditions.make(white, 0, level=level, configuration=f"like:{real}")


def test_patches_that_are_no_multiples_are_cut_to_be_measured(real):
    seen = []

    def imitate(variables, clean, noisy):
        seen.append(noisy.shape)
        return {"level": jnp.ones(len(noisy))}

    run = _Cameras()
    run.method = run.method._replace(imitate=imitate, sample_reach=base.Reach(12, 3))
    assert len(imitation.examples(run, store.Store.open(real))) == 6
    assert seen == [(6, 12, 12, 3)]


def test_levels_are_not_measured_on_pairs_of_two_sizes(tmp_path):
    with writing.Writer(tmp_path / "s", patch=(4, 4), about={}, scale=2) as writer:
        writer.add("paired", clean=np.zeros((4, 4, 3), np.uint8),
                   noisy=np.zeros((2, 2, 3), np.uint8), source="x")
    with pytest.raises(ValueError, match="noisy patches are 2 times smaller than the clean ones"):
        imitation.examples(None, store.Store.open(tmp_path / "s"))

import numpy as np
import pytest
from evaluation import worlds

from senm_jax.evaluation import noise, patches
from senm_jax.methods import base
from senm_jax.metrics import correlation, kld, variance

LOWER_IS_BETTER = (
    "akld", "kld_senm_vae_grey", "kld_naflow", "kld_naflow_rounded", "kld_neca",
    "correlation_error", "variance_error",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("noise") / "store")


@pytest.fixture(scope="module")
def results(store):
    models = {
        "exact": worlds.structured(), "white": worlds.white(), "strong": worlds.white(factor=2.0),
    }
    return {name: noise.evaluate(worlds.run_of(model), store, name=name)
            for name, model in models.items()}


@pytest.mark.parametrize("figure", LOWER_IS_BETTER)
def test_the_model_that_made_the_noise_beats_a_wrong_one_in_every_figure(results, figure):
    exact, wrong = (results[name].rows for name in ("exact", "strong"))
    for group in exact:
        assert exact[group][figure] < wrong[group][figure], group


def test_what_a_network_cannot_take_of_a_patch_is_not_measured_by_it(store):
    model, seen = worlds.structured(), []

    def imitate(variables, clean, noisy):
        seen.append(noisy.shape[1:])
        return model.imitate(variables, clean, noisy)

    run = worlds.run_of(model._replace(imitate=imitate, sample_reach=base.Reach(32, 2)))
    noise.evaluate(run, store, name="x", limit=2)
    assert seen == [(32, 32, 3)]  # of 48x48


@pytest.mark.parametrize("figure", ["akld", "correlation_error", "variance_error"])
def test_white_noise_of_the_right_strength_is_told_apart(results, figure):
    exact, flat = (results[name].rows[patches.ALL] for name in ("exact", "white"))
    assert exact[figure] < 0.75 * flat[figure]
    np.testing.assert_allclose(flat["std_ratio"], 1, atol=0.02)


def test_deviations_and_neighbour_correlations_are_those_of_the_law(results):
    exact, strong = (results[name].rows for name in ("exact", "strong"))
    row = exact[patches.ALL]
    for side in ("real", "generated"):
        np.testing.assert_allclose(row[f"{side}_correlation_right"], 4 / 6, atol=0.02)
        np.testing.assert_allclose(row[f"{side}_correlation_below"], 0, atol=0.03)
        np.testing.assert_allclose(row[f"{side}_correlation_colours"], 0, atol=0.03)
    np.testing.assert_allclose(row["std_ratio"], 1, atol=0.02)
    np.testing.assert_allclose(strong[patches.ALL]["std_ratio"], 2, atol=0.05)
    ratio = exact["one, ISO 800"]["real_std"] / exact["one, ISO 100"]["real_std"]
    np.testing.assert_allclose(ratio, 2.5, rtol=0.1)


def test_colours_are_counted_for_each_side_over_all_patches():
    clean = np.full((64, 64, 3), 128, np.uint8)

    def side(std, channels, seed):
        own = np.random.default_rng(seed).normal(0, std, (64, 64, channels)) + np.zeros(3)
        return noise.Side(
            correlation.sums(own), correlation.colour_sums(own), variance.sums(clean, own))

    measured = [noise.Patch({}, real=side(0.01, 1, i), generated=side(std, channels, 5 + i))
                for i, (std, channels) in enumerate([(0.01, 3), (0.03, 1)])]
    row = noise.summarise(measured)
    np.testing.assert_allclose(row["real_correlation_colours"], 1, rtol=1e-6)
    np.testing.assert_allclose(row["generated_correlation_colours"], 0.9, atol=0.01)


def test_rows_are_of_all_patches_their_mean_by_configuration_and_each(results):
    rows = results["exact"].rows
    assert list(rows) == [patches.ALL, patches.MEAN, "one, ISO 100", "one, ISO 800", "two"]
    each = [rows[name] for name in list(rows)[2:]]
    assert [row["patches"] for row in each] == [8, 8, 8]
    for figure in ("akld", "correlation_error"):
        np.testing.assert_allclose(rows[patches.MEAN][figure], np.mean([r[figure] for r in each]))
    # A mean over patches is the mean of equally large groups; what is pooled is not.
    np.testing.assert_allclose(rows[patches.ALL]["akld"], rows[patches.MEAN]["akld"])
    loud = np.sqrt(np.mean([row["real_std"] ** 2 for row in each]))
    np.testing.assert_allclose(rows[patches.ALL]["real_std"], loud, rtol=1e-3)


def test_figures_depend_on_the_seed_and_not_on_the_batch(store, results):
    run = worlds.run_of(worlds.structured())
    again = noise.evaluate(run, store, name="again", batch=5)
    other = noise.evaluate(run, store, name="other", seed=1)
    before = results["exact"].rows[patches.ALL]
    for figure in LOWER_IS_BETTER:
        np.testing.assert_allclose(again.rows[patches.ALL][figure], before[figure], rtol=1e-4)
        assert other.rows[patches.ALL][figure] != before[figure]


def test_a_limit_measures_patches_spread_evenly_with_the_draws_they_would_have_anyway(store):
    run = worlds.run_of(worlds.structured())
    some = noise.evaluate(run, store, name="some", limit=3, examples=24)
    all_of_them = noise.evaluate(run, store, name="all", examples=24)
    assert some.about["indices"] == [0, 12, 23]
    for example, index in zip(some.examples, some.about["indices"], strict=True):
        expected = all_of_them.examples[index]
        np.testing.assert_array_equal(example.noisy, store.images("paired", "noisy")[index])
        np.testing.assert_array_equal(example.generated, expected.generated)


def test_divergences_are_of_the_rounded_draw_but_naflows_own(store):
    result = noise.evaluate(worlds.run_of(worlds.structured()), store, name="x", examples=24)
    sides = [(e.noisy / 255 - e.clean / 255, e.generated / 255 - e.clean / 255)
             for e in result.examples]
    row = result.rows[patches.ALL]
    for name, measure in [("kld_naflow_rounded", kld.kld_naflow), ("kld_neca", kld.kld_neca)]:
        np.testing.assert_allclose(row[name], np.mean([measure(*side) for side in sides]))
    assert abs(row["kld_naflow"] / row["kld_naflow_rounded"] - 1) > 0.01


def test_each_patch_has_a_draw_of_its_own(store):
    result = noise.evaluate(worlds.run_of(worlds.white()), store, name="x", examples=24)
    first, second = (
        (e.generated.astype(float) - e.clean).ravel() for e in result.examples[:2]
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(first.size)


def test_maps_and_curves_are_of_the_pooled_noise(results):
    exact = results["exact"]
    np.testing.assert_allclose(exact.correlation["real"][6, 7], 4 / 6, atol=0.02)
    curve = exact.variance["real"]
    bright, dark = np.nanargmax(curve.intensity[1]), np.nanargmin(curve.intensity[1])
    assert curve.variance[1, bright] > 3 * curve.variance[1, dark]


def _cameras():
    """The noise model that made the store's noise, given one of two strengths by its name."""
    exact = worlds.structured()

    def sample(variables, clean, key, conditions, origin):
        level = 0.02 * conditions["one_00100"] + 0.05 * conditions["one_00800"]
        return exact.sample(variables, clean, key, {"level": level}, origin)

    def imitate(variables, clean, noisy):
        loud = exact.imitate(variables, clean, noisy)["level"] > 0.035
        return {"one_00100": 1.0 - loud, "one_00800": 1.0 * loud}

    return exact._replace(
        sample=sample, imitate=imitate, configurations=("one_00100", "one_00800"),
        conditions={"one_00100": 0.0, "one_00800": 0.0},
    )


def test_configurations_are_read_off_the_pair_or_drawn_at_random_or_named(store):
    run = worlds.run_of(_cameras())
    aware, chance, again, named = (
        noise.evaluate(run, store, name="x", configuration=asked).rows
        for asked in (noise.AWARE, "random", "random", "one_00100")
    )
    loud, quiet = "one, ISO 800", "one, ISO 100"
    for rows, ratios in [(aware, (1, 1)), (named, (0.4, 1))]:
        found = rows[loud]["std_ratio"], rows[quiet]["std_ratio"]
        np.testing.assert_allclose(found, ratios, rtol=0.1)
    assert chance[loud]["std_ratio"] < 0.9 and chance[quiet]["std_ratio"] > 1.1
    assert chance[patches.ALL] == again[patches.ALL]
    assert chance[patches.ALL]["akld"] > aware[patches.ALL]["akld"]
    with pytest.raises(ValueError, match="knows one_00100, one_00800, got 'two'"):
        noise.evaluate(run, store, name="x", configuration="two")


def test_what_cannot_be_evaluated_is_refused(store):
    with pytest.raises(ValueError, match="runs/fake: is not a noise model"):
        noise.evaluate(worlds.run_of(worlds.restorer(lambda y: y)), store, name="x")
    blind = worlds.structured()._replace(imitate=None)
    with pytest.raises(ValueError, match="cannot read conditions off a pair"):
        noise.evaluate(worlds.run_of(blind), store, name="x")
    with pytest.raises(ValueError, match="limit: expected at least 1 patch, got 0"):
        noise.evaluate(worlds.run_of(worlds.structured()), store, name="x", limit=0)

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training import toy

from senm_jax.training import optimisers, settings


def configured(**changes):
    fields = {f"optimisers__judge__{name}": value for name, value in changes.items()}
    return settings.resolve(toy.config("store", **fields)).optimisers["judge"]


def rates(config, steps, numbers):
    return [float(optimisers.learning_rate(config, steps, n)) for n in numbers]


def test_a_rate_is_halved_after_the_step_that_names_it():
    config = configured(learning_rate=0.8, halve_at=(3, 5))
    np.testing.assert_allclose(
        rates(config, 10, [1, 3, 4, 5, 6, 10]), [0.8, 0.8, 0.4, 0.4, 0.2, 0.2], rtol=1e-6)


def test_decays_do_not_go_below_the_final_rate():
    config = configured(learning_rate=0.8, halve_at=(1, 2, 3), final=0.15)
    np.testing.assert_allclose(rates(config, 9, [2, 3, 4, 9]), [0.4, 0.2, 0.15, 0.15], rtol=1e-6)


def test_a_cosine_starts_full_and_would_reach_its_end_one_step_after_the_last():
    config = configured(learning_rate=1.0, schedule="cosine", final=0.2)
    expected = [0.2 + 0.8 * (1 + np.cos(np.pi * (n - 1) / 8)) / 2 for n in (1, 5, 8, 9)]
    np.testing.assert_allclose(rates(config, 8, [1, 5, 8, 9]), expected, rtol=1e-6)
    assert expected[0] == 1.0 and expected[1] == pytest.approx(0.6) and expected[3] == 0.2


def test_a_warm_up_rises_to_the_full_rate_and_stays():
    config = configured(learning_rate=1.0, warmup=4)
    np.testing.assert_allclose(rates(config, 9, [1, 2, 4, 5]), [0.25, 0.5, 1.0, 1.0], rtol=1e-6)


def test_updates_are_adam_at_the_rate_of_their_step():
    config = configured(learning_rate=0.1, halve_at=(1,), eps=1e-3)
    optimiser = optimisers.make(config, 3)
    value = jnp.array([1.0, -2.0])
    state, mean, square = optimiser.init(value), np.zeros(2), np.zeros(2)
    for number, gradient in enumerate(([3.0, -0.5], [-1.0, 0.25]), start=1):
        gradient = np.array(gradient)
        moved, state = optimiser.update(jnp.array(gradient), state, value, step=number)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        unbiased = mean / (1 - 0.9**number), square / (1 - 0.999**number)
        rate = 0.1 if number == 1 else 0.05
        np.testing.assert_allclose(
            moved - value, -rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-3), rtol=2e-4)


def test_a_gradient_above_the_norm_is_scaled_down_to_it():
    params = jnp.zeros(2)
    clipped = optimisers.make(configured(clip_norm=0.5, eps=1e-2, b1=0.0), 9)
    plain = optimisers.make(configured(eps=1e-2, b1=0.0), 9)
    for gradient, same in (([3.0, -4.0], [0.3, -0.4]), ([0.1, 0.2], [0.1, 0.2])):
        moved, _ = clipped.update(jnp.array(gradient), clipped.init(params), params, step=1)
        expected, _ = plain.update(jnp.array(same), plain.init(params), params, step=1)
        np.testing.assert_allclose(moved, expected, rtol=1e-5)


def test_weight_decay_shrinks_parameters_beside_adam_s_update():
    params, gradient = jnp.array([2.0, -1.0]), jnp.array([0.5, 0.5])
    decayed, plain = (optimisers.make(configured(learning_rate=0.1, **more), 9)
                      for more in ({"weight_decay": 0.3}, {}))
    moved, _ = decayed.update(gradient, decayed.init(params), params, step=1)
    expected, _ = plain.update(gradient, plain.init(params), params, step=1)
    np.testing.assert_allclose(moved, expected - 0.1 * 0.3 * params, rtol=1e-5)


@pytest.mark.parametrize("large", [9.0, jnp.inf, jnp.nan])
def test_a_large_gradient_skips_the_whole_update_and_is_counted(large):
    optimiser = optimisers.make(configured(skip_above=5.0, skip_norm_of="^encoder/"), 9)
    params = {"encoder": {"kernel": jnp.ones(2)}, "head": jnp.ones(2)}
    small = {"encoder": {"kernel": jnp.array([3.0, 0.0])}, "head": jnp.array([100.0, 1.0])}
    bad = {"encoder": {"kernel": jnp.array([large, 0.0])}, "head": jnp.array([0.1, 1.0])}

    first, state = optimiser.update(small, optimiser.init(params), params, step=1)
    assert all(jnp.all(p != 1) for p in [first["head"], first["encoder"]["kernel"][:1]])
    skipped, after = optimiser.update(bad, state, params, step=2)
    jax.tree.map(np.testing.assert_array_equal, skipped, params)
    assert (int(state.skipped), int(after.skipped)) == (0, 1)
    jax.tree.map(np.testing.assert_array_equal, state.inner, after.inner)
    assert int(optimiser.update(small, after, params, step=3)[1].skipped) == 1


@pytest.mark.parametrize("gradient, loss", [(jnp.nan, 1.0), (jnp.inf, 1.0), (1.0, jnp.nan)])
def test_what_is_not_finite_skips_where_it_may(gradient, loss):
    optimiser = optimisers.make(configured(skip_not_finite=3), 9)
    params = jnp.ones(2)
    state = optimiser.init(params)
    large = jnp.array([1e9, 1.0])
    moved, state = optimiser.update(large, state, params, step=1, loss=jnp.float32(1))
    assert jnp.all(moved != params) and int(state.skipped) == 0
    bad = jnp.array([gradient, 0.5])
    moved, after = optimiser.update(bad, state, params, step=2, loss=jnp.float32(loss))
    assert jnp.all(moved == params) and int(after.skipped) == 1
    jax.tree.map(np.testing.assert_array_equal, state.inner, after.inner)


def test_a_norm_equal_to_the_threshold_skips():
    optimiser = optimisers.make(configured(skip_above=5.0), 9)
    params = jnp.ones(2)
    _, state = optimiser.update(jnp.array([3.0, 4.0]), optimiser.init(params), params, step=1)
    assert int(state.skipped) == 1


def test_a_guard_over_no_parameter_is_refused():
    optimiser = optimisers.make(configured(skip_above=5.0, skip_norm_of="decoder"), 9)
    with pytest.raises(ValueError, match=r"skip_norm_of: 'decoder' matches no parameter.*kernel"):
        optimiser.init({"encoder": {"kernel": jnp.ones(2)}})

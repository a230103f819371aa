import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training import toy

from senm_jax.methods import base
from senm_jax.ops import keys
from senm_jax.training import optimisers, settings, state, step


@pytest.fixture
def parts():
    config = settings.resolve(toy.config("store", optimisers__painter__skip_above=100.0))
    method = toy.make(toy.Config(noise=0.05))
    random = np.random.default_rng(1)
    batch = {"paired": {side: jnp.asarray(random.integers(0, 256, (2, 8, 8, 3)), jnp.uint8)
                        for side in ("clean", "noisy")}}
    movers = optimisers.make_all(config.optimisers, config.steps)
    return method, movers, state.create(method, movers, 3, batch), batch


def test_metrics_come_by_player_in_the_order_of_the_terms(parts):
    method, movers, begin, batch = parts
    after, metrics = jax.jit(step.make_step(method, movers, 3))(begin, batch)
    assert list(metrics) == [
        "painter/weight", "painter/fit", "painter/loss", "painter/grad_norm",
        "painter/learning_rate", "painter/skipped",
        "judge/guess", "judge/offset", "judge/loss", "judge/grad_norm", "judge/learning_rate",
    ]
    assert int(after.step) == 1
    assert all(np.shape(value) == () for value in metrics.values())


def test_each_player_moves_by_the_gradient_of_its_own_loss_alone(parts):
    method, movers, begin, batch = parts
    after, metrics = step.make_step(method, movers, 3)(begin, batch)
    key = keys.named(jax.random.fold_in(jax.random.key(3), 1), "painter")
    context = base.Context(begin.variables, batch, key, jnp.int32(1), {})

    def alone(params):
        return method.loss("painter", params, context)[0]

    gradient = jax.grad(alone)(begin.params["painter"])
    expected, _ = movers["painter"].update(
        gradient, begin.opt_state["painter"], begin.params["painter"], step=1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6),
                 after.params["painter"], expected)
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in jax.tree.leaves(gradient)))
    np.testing.assert_allclose(metrics["painter/grad_norm"], norm, rtol=1e-6)


def test_a_later_player_sees_what_earlier_ones_became_and_handed_on(parts):
    method, movers, begin, batch = parts
    after, metrics = step.make_step(method, movers, 3)(begin, batch)
    offset = after.params["painter"]["colour"]["offset"]
    assert float(jnp.sum(jnp.abs(offset))) > 0
    np.testing.assert_allclose(metrics["judge/offset"], jnp.sum(offset), rtol=1e-6)
    mean = np.asarray(after.statistics["painter"]["mean"]) / 0.1  # of what was painted
    gradient = -2 * (mean - 0) / 3
    np.testing.assert_allclose(metrics["judge/grad_norm"], np.linalg.norm(gradient), rtol=1e-5)


def test_a_skipped_update_leaves_statistics_as_they_were(parts):
    method, _, _, batch = parts
    for above, moves in ((100.0, True), (1e-9, False)):
        config = settings.resolve(toy.config("store", optimisers__painter__skip_above=above))
        movers = optimisers.make_all(config.optimisers, config.steps)
        begin = state.create(method, movers, 3, batch)
        after, metrics = step.make_step(method, movers, 3)(begin, batch)
        assert metrics["painter/skipped"] == (not moves)
        assert np.any(after.statistics["painter"]["mean"] != 0) == moves


def test_draws_differ_by_step_and_not_by_what_ran_before(parts):
    method, movers, begin, batch = parts
    run = jax.jit(step.make_step(method, movers, 3))
    fits = [float(run(begin.replace(step=jnp.int32(n)), batch)[1]["painter/fit"])
            for n in (0, 1, 0)]
    assert fits[0] == fits[2] != fits[1]


def test_statistics_of_another_structure_are_refused(parts):
    method, movers, begin, batch = parts

    def forgets(player, params, context):
        value, outcome = method.loss(player, params, context)
        return value, outcome._replace(statistics={})

    with pytest.raises(ValueError, match="painter: the loss must return the statistics"):
        step.make_step(method._replace(loss=forgets), movers, 3)(begin, batch)

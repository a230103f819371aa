"""What is counted as in use, and what time is counted."""

import types

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.evaluation import cost
from senm_jax.methods import base, senm_vae


def test_parameters_in_use_are_those_that_the_sample_depends_on():
    def sample(variables, clean, key, conditions, origin):
        params, other = variables["one"]["params"], variables["two"]["params"]
        jnp.tanh(params["vain"])  # computed, and thrown away
        scaled = jax.jit(lambda image, factor: factor * image)(clean, params["factor"].sum())
        return scaled + other["offset"] * variables["one"]["statistics"]["mean"]

    params = {"factor": np.ones(5), "vain": np.ones(7), "idle": np.ones(11)}
    variables = {"one": {"params": params, "statistics": {"mean": np.ones(3)}},
                 "two": {"params": {"offset": np.ones(3)}, "statistics": {}}}
    run = types.SimpleNamespace(method=base.Method((), None, None, sample), variables=variables)
    assert cost.parameters(run) == {"parameters_used": 8, "parameters": 26}


def test_a_published_network_uses_what_its_paper_counts():
    method = senm_vae.make(senm_vae.Config())
    variables = jax.eval_shape(lambda key: method.init(key, {}), jax.random.key(0))
    found = cost.parameters(types.SimpleNamespace(method=method, variables=variables))
    of_all = 19_955_739 + 2_920_897 + 2_765_633  # generator, level predictor, discriminator
    assert found == {"parameters_used": 9_946_319, "parameters": of_all}


def test_the_first_call_s_compiling_is_not_timed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(cost.time, "perf_counter", lambda: now[0])
    seconds = iter([100, 2, 3])  # the first is what compiling takes

    def sample():
        now[0] += next(seconds)
        return [np.zeros((256, 128, 3)), np.zeros((256, 128, 3))]

    clock = cost.Clock()
    for _ in range(2):
        assert len(clock.time(sample)) == 2
    assert clock.seconds == 5 and clock.images_per_second == 2 / 5

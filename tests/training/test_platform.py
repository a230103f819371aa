"""How programs are compiled."""

import jax
import jax.numpy as jnp
import pytest

from senm_jax.training import platform

FLAG = "jax_disable_most_optimizations"


@pytest.fixture
def less():
    before = jax.config.read(FLAG)
    yield lambda asked: jax.config.update(FLAG, asked)
    jax.config.update(FLAG, before)


@pytest.mark.parametrize("backend, asked, options", [
    ("cpu", False, {"xla_backend_optimization_level": 1}),
    ("cpu", True, None),
    ("gpu", False, None),
])
def test_programs_are_compiled_at_the_first_level_on_cpu_alone(
        backend, asked, options, less, monkeypatch):
    given = {}
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "jit", lambda function, **rest: given.update(rest) or function)
    less(asked)
    platform.jit(jnp.sin, donate_argnums=0)
    assert given == {"compiler_options": options, "donate_argnums": 0}


def test_the_compiler_knows_the_level(less):
    less(False)
    assert platform.jit(jnp.square)(3.0) == 9

"""Programs compiled as for users: it is those that are compared with the reference."""

import jax
import pytest

FLAG = "jax_disable_most_optimizations"


@pytest.fixture(scope="module", autouse=True)
def optimised():
    before = jax.config.read(FLAG)
    jax.config.update(FLAG, False)
    yield
    jax.config.update(FLAG, before)

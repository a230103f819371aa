"""The variance follows the pixel's value by the law asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.degradations import heteroscedastic, parameters


@pytest.mark.parametrize("law", ["quadratic", "linear"])
def test_variance_by_value_and_channel(law):
    values = np.float32([0, 0.25, 1])
    clean = jnp.broadcast_to(values[:, None, None], (3, 60_000, 3))
    signal, read = np.float32([0.1, 0.2, 0.05]), np.float32([0.02, 0, 0.1])
    levels = map(jnp.asarray, (signal, read))
    noise = heteroscedastic.add(jax.random.key(0), clean, *levels, law) - clean
    follows = values[:, None] ** (2 if law == "quadratic" else 1)
    expected = signal**2 * follows + read**2
    np.testing.assert_allclose(np.var(noise, axis=1), expected, rtol=0.03, atol=1e-8)
    assert abs(float(noise.mean())) < 1e-3


def test_levels_are_drawn_for_each_channel_and_told():
    made = heteroscedastic.make(parameters.Heteroscedastic())
    drawn = jax.vmap(made.draw)(jax.random.split(jax.random.key(0), 500))
    for name, top in (("signal", 0.16), ("read", 0.06)):
        values = np.asarray(drawn[name])
        assert values.shape == (500, 3)
        assert 0 <= values.min() < 0.02 * top and 0.98 * top < values.max() <= top
        assert abs(np.corrcoef(values[:, 0], values[:, 1])[0, 1]) < 0.15
    assert abs(np.corrcoef(drawn["signal"].ravel(), drawn["read"].ravel())[0, 1]) < 0.1
    one = made.draw(jax.random.key(1))
    np.testing.assert_array_equal(made.tell(one), np.r_[one["signal"], one["read"]])

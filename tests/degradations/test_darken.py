"""Too little light: the values, and what is drawn of them."""

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.degradations import darken, parameters


def test_white_becomes_the_gain_and_grey_goes_by_the_exponent():
    clean = jnp.asarray(np.float32([0, 0.5, 1])[:, None, None])
    found = darken.darken(clean, 2.0, 0.4)
    np.testing.assert_allclose(np.ravel(found), [0, 0.1, 0.4], rtol=1e-6)


def test_both_are_drawn_for_each_image_and_told():
    made = darken.make(parameters.Darken())
    drawn = jax.vmap(made.draw)(jax.random.split(jax.random.key(0), 500))
    for name, low, high in (("gamma", 1.5, 2.5), ("gain", 0.15, 0.4)):
        values, slack = np.asarray(drawn[name]), 0.02 * (high - low)
        assert low <= values.min() < low + slack and high - slack < values.max() <= high
    one = made.draw(jax.random.key(1))
    np.testing.assert_array_equal(made.tell(one), [one["gamma"], one["gain"]])
    grey = jnp.full((2, 3, 3), 0.5)
    np.testing.assert_array_equal(
        made.degrade(None, grey, one), darken.darken(grey, one["gamma"], one["gain"]))

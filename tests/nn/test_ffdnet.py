"""FFDNet: its size, odd sides, grey images, and its errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import ffdnet, initial

SMALL = {"depth": 3, "width": 4}
LEVEL = jnp.array([0.1])


def _init(fields, channels=3):
    network = ffdnet.FFDNet(**fields)
    image = jax.ShapeDtypeStruct((1, 4, 4, channels), jnp.float32)
    return network, initial.variables(network, jax.random.key(0), image, LEVEL, train=False)


@pytest.mark.parametrize("fields, count", [
    ({}, 852_108), ({"depth": 15, "width": 64, "channels": 1}, 485_316),
])
def test_parameter_counts_of_the_published_sizes(fields, count):
    channels = fields.get("channels", 3)
    shapes = jax.eval_shape(lambda: _init(fields, channels)[1])["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == count


def test_an_odd_side_is_as_if_its_last_line_were_there_twice():
    network, variables = _init(SMALL)
    image = jax.random.uniform(jax.random.key(1), (1, 5, 7, 3))
    even = jnp.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    restored = network.apply(variables, image, LEVEL, train=False)
    np.testing.assert_allclose(
        restored, network.apply(variables, even, LEVEL, train=False)[:, :5, :7], atol=1e-6)


def test_a_grey_network_restores_each_channel_by_itself():
    network, variables = _init(SMALL | {"channels": 1}, 1)
    image = jax.random.uniform(jax.random.key(1), (2, 6, 4, 3))
    levels = jnp.array([0.1, 0.3])
    together = network.apply(variables, image, levels, train=False)
    for i in range(3):
        alone = network.apply(variables, image[..., i:i + 1], levels, train=False)
        np.testing.assert_allclose(together[..., i:i + 1], alone, atol=1e-6)


def test_the_level_matters():
    network, variables = _init(SMALL)
    image = jax.random.uniform(jax.random.key(1), (1, 4, 4, 3))
    low, high = (network.apply(variables, image, jnp.array([x]), train=False) for x in (0.1, 0.3))
    assert np.abs(low - high).max() > 1e-5


def test_bad_fields_are_refused():
    with pytest.raises(ValueError, match="at least 2 convolutions, got 1"):
        _init({"depth": 1})
    with pytest.raises(ValueError, match="channels: expected 1 or 3, the images', got 4"):
        _init({"channels": 4})

"""DRUNet: its size, its enlargement, the noise map, and its error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import drunet, initial

SMALL = {"widths": (4, 6), "blocks": 1}


def _init(fields):
    network = drunet.DRUNet(**fields)
    image, level = (jax.ShapeDtypeStruct(s, jnp.float32) for s in ((1, 8, 8, 3), (1,)))
    given = (image, level) if fields.get("noise_map") else (image,)
    return network, initial.variables(network, jax.random.key(0), *given, train=False)


@pytest.mark.parametrize("fields, count", [
    ({}, 32_640_384), ({"noise_map": True}, 32_640_960), ({"bias": True}, 32_653_059),
])
def test_parameter_counts_of_the_published_sizes(fields, count):
    shapes = jax.eval_shape(lambda: _init(fields)[1])["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == count


def test_enlarging_puts_each_place_s_four_results_into_its_cell():
    x = jax.random.normal(jax.random.key(1), (1, 2, 3, 4))
    layer = drunet.Enlarge(2, bias=True)
    variables = layer.init(jax.random.key(0), x)
    weight = np.asarray(variables["params"]["conv"]["kernel"]).reshape(4, 2, 2, 2)
    expected = np.einsum("bhwi,ioyx->bhywxo", x, weight).reshape(1, 4, 6, 2)
    expected += np.asarray(variables["params"]["bias"])
    np.testing.assert_allclose(layer.apply(variables, x), expected, atol=1e-5)


def test_without_biases_the_restored_image_scales_with_the_noisy_one():
    network, variables = _init(SMALL)
    image = jax.random.uniform(jax.random.key(1), (1, 6, 4, 3))
    once, twice = (network.apply(variables, k * image, train=False) for k in (1, 2))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-4, atol=1e-7)


def test_the_noise_map_is_one_more_channel():
    network, variables = _init(SMALL | {"noise_map": True})
    image = jax.random.uniform(jax.random.key(1), (2, 4, 4, 3))
    mapped = jnp.concatenate([image, jnp.full((2, 4, 4, 1), 0.2)], -1)
    restored = network.apply(variables, image, jnp.full(2, 0.2), train=False)
    blind = drunet.DRUNet(**SMALL).apply(variables, mapped, train=False)
    np.testing.assert_allclose(restored, blind, atol=1e-6)


def test_other_sides_are_refused():
    network, variables = _init(SMALL)
    with pytest.raises(ValueError, match="sides that are multiples of 2, got 4x5"):
        network.apply(variables, jnp.zeros((1, 4, 5, 3)), train=False)

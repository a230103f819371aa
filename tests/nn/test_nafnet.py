"""NAFNet: its size, its start, its padding, and means over windows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from senm_jax.nn import initial, nafnet

SMALL = {"width": 4, "encoder": (1,), "middle": 1, "decoder": (1,)}
GOPRO = {"encoder": (1, 1, 1, 28), "middle": 1, "decoder": (1, 1, 1, 1)}


def _init(fields):
    network = nafnet.NAFNet(**fields)
    image = jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)
    return network, initial.variables(network, jax.random.key(0), image, train=False)


@functools.partial(jax.jit, static_argnames=("network", "train"))
def _apply(network, variables, image, train=False):
    return network.apply(variables, image, train=train)


def _drawn():
    """Variables that are all random, the factors that start at 0 among them."""
    _, variables = _init(SMALL)
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape), jnp.float32), variables)


@pytest.mark.parametrize("fields, count", [
    ({}, 29_159_715), ({"width": 64}, 115_982_915), (GOPRO, 17_111_907),
], ids=["32", "64", "GoPro"])
def test_parameter_counts_of_the_published_sizes(fields, count):
    shapes = jax.eval_shape(lambda: _init(fields)[1])["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == count


def test_blocks_start_as_the_identity():
    block = nafnet.Block()
    x = jax.random.normal(jax.random.key(1), (1, 4, 4, 6))
    variables = initial.variables(block, jax.random.key(0), x)
    np.testing.assert_array_equal(jax.jit(block.apply)(variables, x), x)


def test_depthwise_products_are_a_grouped_convolution():
    x = jax.random.normal(jax.random.key(1), (2, 5, 7, 3))
    layer = nafnet.DepthwiseConv()
    variables = layer.init(jax.random.key(0), x)
    expected = variables["params"]["bias"] + lax.conv_general_dilated(
        x, variables["params"]["kernel"], (1, 1), "SAME", feature_group_count=3,
        dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_allclose(layer.apply(variables, x), expected, atol=1e-5)


def test_any_size_is_filled_up_with_zeros():
    network, variables = nafnet.NAFNet(**SMALL), _drawn()
    image = jax.random.uniform(jax.random.key(1), (1, 5, 6, 3))
    filled = jnp.pad(image, ((0, 0), (0, 1), (0, 0), (0, 0)))
    restored, whole = (_apply(network, variables, each) for each in (image, filled))
    np.testing.assert_allclose(restored, whole[:, :5, :6], atol=1e-5)


def test_windows_are_for_restoring_larger_images_alone():
    local = nafnet.NAFNet(**SMALL, window=(12, 12), trained_on=(8, 8))
    network, variables = nafnet.NAFNet(**SMALL), _drawn()
    large = jax.random.uniform(jax.random.key(1), (1, 16, 24, 3))
    small = large[:, :12, :12]
    for image, train, same in ((large, False, False), (large, True, True), (small, False, True)):
        a, b = (_apply(each, variables, image, train) for each in (network, local))
        assert np.allclose(a, b, atol=1e-5) == same


@pytest.mark.parametrize("window", [(3, 4), (2, 9), (5, 1)])
def test_a_local_mean_is_that_of_the_nearest_whole_window(window):
    x = np.random.default_rng(0).random((2, 5, 6, 2), np.float32)
    rows, columns = (min(a, b) for a, b in zip(window, (5, 6), strict=True))
    expected = np.zeros_like(x)
    for i in range(5):
        for j in range(6):
            top = np.clip(i - (rows - 1) // 2, 0, 5 - rows)
            left = np.clip(j - (columns - 1) // 2, 0, 6 - columns)
            expected[:, i, j] = x[:, top:top + rows, left:left + columns].mean((1, 2))
    np.testing.assert_allclose(nafnet.local_mean(jnp.asarray(x), window), expected, atol=1e-6)


def test_a_decoder_of_other_stages_is_refused():
    with pytest.raises(ValueError, match="as many stages as the encoder's 1, got 2"):
        _init(SMALL | {"decoder": (1, 1)})

"""RRDBNet: its size, what its parts add up to, and its error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import blocks, initial, rrdb

SMALL = {"width": 4, "growth": 2, "blocks": 1}


def _init(fields):
    image = jax.ShapeDtypeStruct((1, 4, 4, 3), jnp.float32)
    return initial.variables(rrdb.RRDBNet(**fields), jax.random.key(0), image, train=False)


def test_parameter_count_of_the_published_size():
    shapes = jax.eval_shape(lambda: _init({}))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 16_697_987


def test_a_block_is_three_dense_blocks_scaled_and_added():
    x = jax.random.normal(jax.random.key(1), (2, 5, 6, 4))
    block = rrdb.RRDB(4, 2)
    variables = block.init(jax.random.key(0), x)
    h = x
    for i in range(3):
        h = blocks.DenseBlock(2).apply({"params": variables["params"][f"dense{i + 1}"]}, h)
    np.testing.assert_allclose(block.apply(variables, x), x + 0.2 * h, rtol=1e-6)


def test_each_pixel_becomes_four_by_four():
    variables = _init(SMALL)
    kernels = jax.tree.map(jnp.zeros_like, variables["params"])
    for name in ("first", "up_1", "up_2", "fine", "last"):  # the middle tap of channel 0 alone
        kernels[name]["kernel"] = kernels[name]["kernel"].at[1, 1, 0, 0].set(1.0)
    image = jax.random.uniform(jax.random.key(1), (1, 3, 5, 3))
    large = rrdb.RRDBNet(**SMALL).apply({"params": kernels}, image, train=False)
    expected = np.kron(image[0, :, :, 0], np.ones((4, 4)))
    np.testing.assert_allclose(large[0, :, :, 0], expected, rtol=1e-6)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="RRDB: expected 64 channels, got 3"):
        rrdb.RRDB().init(jax.random.key(0), jnp.zeros((1, 4, 4, 3)))

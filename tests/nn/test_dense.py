import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import dense


def plain(x, first, kernels, biases):
    """What `dense.dense` computes, left to JAX to differentiate."""
    seen, h = x, first
    for kernel, bias in zip(kernels, biases, strict=True):
        seen = jnp.concatenate([seen, jax.nn.leaky_relu(h, 0.2)], -1)
        h = jax.lax.conv_general_dilated(
            seen, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
    return h


def arguments(shape, channels, growth, last):
    generator = np.random.default_rng(0)

    def draw(*shape):
        return jnp.asarray(generator.standard_normal(shape, np.float32))

    features = (growth, growth, growth, last)
    kernels = tuple(0.1 * draw(3, 3, channels + k * growth, f)
                    for k, f in enumerate(features, 1))
    return (draw(*shape, channels), draw(*shape, growth), kernels,
            tuple(draw(f) for f in features))


@pytest.mark.parametrize("shape, channels, growth, last", [
    ((2, 6, 10), 8, 4, 8),  # XLA's gradients
    ((3, 12, 36), 64, 16, 5),  # tiles of 6 rows
    ((40, 3, 31), 96, 8, 7),  # more positions in a row than a tile has
])
def test_result_and_gradients_are_those_of_the_convolutions(shape, channels, growth, last):
    given = arguments(shape, channels, growth, last)
    weight = jnp.asarray(np.random.default_rng(1).random((*shape, last), np.float32))

    def gradients(function):
        return jax.jit(jax.value_and_grad(lambda given: jnp.sum(weight * function(*given))))(given)

    for ours, right in zip(jax.tree.leaves(gradients(dense.dense)),
                           jax.tree.leaves(gradients(plain)), strict=True):
        assert np.abs(ours - right).max() <= 1e-5 * np.abs(right).max()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_tiles_and_xla_give_the_same_kernel_gradients(number):
    x, first, _, _ = arguments((2, 8, 8), 6, 4, 4)
    seen = [x, *(first + i for i in range(number))]
    gs = [*(first - i for i in range(1, number)), x]
    for tiled, direct in zip(dense.tiled_gradients(seen, gs), dense.direct_gradients(seen, gs),
                             strict=True):
        assert tiled.shape == direct.shape
        assert np.abs(tiled - direct).max() <= 1e-5 * np.abs(direct).max()


def test_gradients_keep_the_parameters_type_in_bfloat16():
    given = jax.tree.map(lambda a: a.astype(jnp.bfloat16), arguments((2, 4, 4), 128, 8, 8))
    found = jax.grad(lambda given: jnp.sum(dense.dense(*given)))(given)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype(jnp.bfloat16)}

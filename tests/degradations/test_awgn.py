"""White Gaussian noise has the strength asked for and no structure."""

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.degradations import awgn, parameters


def test_one_strength():
    clean = jnp.full((4, 64, 64, 3), 0.5)
    noise = np.asarray(awgn.add(jax.random.key(0), clean, 0.1) - clean)
    assert abs(noise.std() - 0.1) < 1e-3
    assert abs(noise.mean()) < 2e-3
    neighbours = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.02


def test_a_strength_for_each_image():
    clean = jnp.full((3, 64, 64, 3), 0.5)
    noise = np.asarray(awgn.add(jax.random.key(1), clean, jnp.array([0.0, 0.05, 0.2])) - clean)
    np.testing.assert_allclose(noise.std((1, 2, 3)), [0, 0.05, 0.2], rtol=0.03, atol=1e-7)


def test_values_are_not_clipped():
    noisy = awgn.add(jax.random.key(2), jnp.zeros((32, 32, 3)), 0.3)
    assert noisy.min() < -0.3


def test_drawn_strengths_fill_the_range_and_are_those_used():
    clean = jnp.full((256, 16, 16, 3), 0.5)
    made = awgn.make(parameters.AWGN((5.1, 25.5)))
    first, second = jax.random.split(jax.random.key(3), (2, 256))
    drawn = jax.vmap(made.draw)(first)
    noisy = jax.vmap(made.degrade)(second, clean, drawn)
    std = jax.vmap(made.tell)(drawn)[:, 0]
    assert 0.02 <= std.min() < 0.025 and 0.095 < std.max() <= 0.1
    assert abs(float(std.mean()) - 0.06) < 0.006
    measured = np.asarray(noisy - clean).std((1, 2, 3))
    np.testing.assert_allclose(measured, std, rtol=0.15)


def test_same_key_same_bits():
    clean = jnp.full((2, 16, 16, 3), 0.5)
    first, again, other = (awgn.add(jax.random.key(k), clean, 0.1) for k in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)

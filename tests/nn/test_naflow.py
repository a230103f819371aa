"""NAFlow's network: back again at the released size, its log-determinant, what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import naflow

SMALL = {"levels": 2, "transitions": 1, "blocks": 1, "width": 4, "hidden": 3}


def _images(height, width, rows=4):
    rng = np.random.default_rng(0)
    x = rng.random((rows, height, width, 3), np.float32)
    y = x + rng.normal(0, 0.05, x.shape).astype(np.float32)
    return jnp.asarray(y), jnp.asarray(x)


@functools.cache
def _built(**fields):
    """(network, variables away from their first values)."""
    network = naflow.NAFlow(**fields)
    init = jax.jit(functools.partial(network.init, method="encode"))
    variables = init(jax.random.key(0), *_images(16, 32, rows=8))
    rng = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(0, 0.005, leaf.shape), jnp.float32),
        variables["params"],
    )
    return network, {**variables, "params": params}


@pytest.mark.parametrize("fields", [{}, SMALL], ids=["released", "small"])
def test_decoding_undoes_encoding_on_images_that_are_not_square(fields):
    network, variables = _built(**fields)
    y, x = _images(16, 32)
    encode, decode = (
        jax.jit(functools.partial(network.apply, method=m)) for m in ("encode", "decode")
    )
    z, there = encode(variables, y, x)
    again, back = decode(variables, z, x)
    cells = network.multiple
    assert z.shape == (4, 16 // cells, 32 // cells, network.channels)
    np.testing.assert_allclose(again, y, atol=2e-5)
    np.testing.assert_allclose(back, -there, rtol=1e-5, atol=2e-3)


def test_the_log_determinant_of_the_whole_is_the_jacobians():
    network, variables = _built(**SMALL)
    y, x = _images(4, 8, rows=1)

    def encode(y):
        z, log_det = network.apply(variables, y, x, method="encode")
        return z.ravel(), log_det

    jacobian, log_det = jax.jit(jax.jacfwd(encode, has_aux=True))(y)
    expected = np.linalg.slogdet(np.float64(jacobian.reshape(y.size, -1)))[1]
    np.testing.assert_allclose(log_det[0], expected, rtol=1e-4, atol=1e-2)


def test_features_see_only_the_pixels_under_their_cell():
    network, variables = _built(**SMALL)
    _, x = _images(8, 8, rows=1)
    features = network.bind(variables).conditioning
    before, after = features(x), features(x.at[:, 5, 2].add(1.0))
    for level, (old, new) in enumerate(zip(before, after, strict=True)):
        changed = np.argwhere(np.abs(new - old).max((0, 3)) > 0)
        assert changed.tolist() == [[5 // 2 ** (level + 1), 2 // 2 ** (level + 1)]]


def test_sizes_that_do_not_fit_are_refused():
    network, variables = _built(**SMALL)
    y, x = _images(6, 8)
    with pytest.raises(ValueError, match="expected a height and width by 4s, got 6x8 pixels"):
        network.apply(variables, y, x, method="encode")
    with pytest.raises(ValueError, match="a latent of clean images of 8x8 pixels has the shape"):
        _, x = _images(8, 8, rows=1)
        network.apply(variables, jnp.zeros((1, 1, 2, 48)), x, method="decode")

"""DnCNN: its size, its residual form, its reach, and how its variants start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import dncnn

NECA = {"depth": 20, "initialiser": "normal"}
C2N = {
    "depth": 20, "body_bias": False, "epsilon": 1e-5, "momentum": 0.1, "initialiser": "he",
}
SMALL = {"depth": 4, "width": 8}


def _init(fields, seed=0):
    image = jnp.zeros((1, 8, 8, 3))
    return dncnn.DnCNN(**fields).init(jax.random.key(seed), image, train=False)


def _count(fields):
    shapes = jax.eval_shape(lambda: _init(fields))["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize(
    "fields, count", [({}, 559_363), (NECA, 670_531), (C2N, 669_379)], ids=["KAIR", "NeCA", "C2N"]
)
def test_parameter_counts_of_the_published_variants(fields, count):
    assert _count(fields) == count


def test_a_last_layer_of_zeros_returns_the_image():
    variables = _init(SMALL)
    variables["params"]["last"] = jax.tree.map(jnp.zeros_like, variables["params"]["last"])
    image = jax.random.uniform(jax.random.key(1), (2, 7, 9, 3))
    restored = dncnn.DnCNN(**SMALL).apply(variables, image, train=False)
    np.testing.assert_array_equal(restored, image)


def test_radius_is_exact():
    network = dncnn.DnCNN(**SMALL)
    variables = _init(SMALL | {"initialiser": "normal"})
    variables = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, variables)  # no ReLU ever closes
    image = jax.random.uniform(jax.random.key(1), (1, 15, 15, 3)) + 0.5
    gradient = jax.grad(
        lambda x: jnp.sum(network.apply(variables, x, train=False)[0, 7, 7])
    )(image)
    rows, columns = np.nonzero(np.abs(gradient).sum((0, 3)))
    assert np.abs(rows - 7).max() == np.abs(columns - 7).max() == network.radius


def test_initialisers_follow_their_rules():
    params = _init({"depth": 3})["params"]
    kernel = np.asarray(params["body_0"]["kernel"]).reshape(-1, 64)
    np.testing.assert_allclose(kernel.T @ kernel, 0.04 * np.eye(64), atol=1e-5)
    scale = np.asarray(params["norm_0"]["scale"])
    assert 0.1 <= scale.min() < 0.3 and 0.8 < scale.max() <= 1

    variables = _init(C2N | {"depth": 3})
    assert np.abs(variables["params"]["norm_0"]["scale"]).min() == np.float32(0.025)
    np.testing.assert_array_equal(
        variables["statistics"]["norm_0"]["variance"], np.float32(0.01)
    )
    np.testing.assert_allclose(
        np.std(variables["params"]["body_0"]["kernel"]), np.sqrt(2 / (9 * 64)), rtol=0.02
    )


def test_low_precision_returns_float32_close_to_the_full_one():
    image = jax.random.uniform(jax.random.key(1), (1, 8, 8, 3))
    variables = _init(SMALL)
    full = dncnn.DnCNN(**SMALL).apply(variables, image, train=False)
    half = dncnn.DnCNN(**SMALL, dtype=jnp.bfloat16).apply(variables, image, train=False)
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, full, atol=0.02)
    assert np.any(np.asarray(half) != np.asarray(full))


def test_bad_fields_are_refused():
    with pytest.raises(ValueError, match="at least 2 convolutions, got 1"):
        _init({"depth": 1})
    with pytest.raises(ValueError, match="initialiser: expected one of .* got 'xavier'"):
        _init({"initialiser": "xavier"})

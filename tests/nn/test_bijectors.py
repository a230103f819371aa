"""Every bijector: back again, its log-determinant against the Jacobian, and what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import camera_scaling, pixel_flows
from senm_jax.nn.bijectors import (
    actnorm, chain, coupling, injector, invertible_conv, repeat, squeeze,
)


def block():
    return chain.Chain([
        squeeze.Squeeze(),
        actnorm.ActNorm(),
        invertible_conv.InvertibleConv(),
        coupling.Coupling(hidden=3),
        injector.Injector(hidden=3),
    ])


def repeated():
    return repeat.Repeat(chain.Chain([
        actnorm.ActNorm(), invertible_conv.InvertibleConv(), coupling.Coupling(hidden=3),
    ]), 3)


SETTINGS = camera_scaling.CameraSettings(cameras=("a", "a", "b"), isos=(100, 800, 100))


GIVEN = {
    "signal layer": (lambda: camera_scaling.SignalLayer(SETTINGS), 3),
    "gain layer": (lambda: camera_scaling.GainLayer(SETTINGS), 3),
    "heteroscedastic": (lambda: camera_scaling.Heteroscedastic(3), 3),
    "conditional linear": (lambda: camera_scaling.ConditionalLinear(3), 3),
    "noise coupling": (lambda: pixel_flows.NoiseCoupling(train=False), 3),
    "conditional coupling": (lambda: pixel_flows.ConditionalCoupling(False, SETTINGS), 3),
}
"""Bijectors whose features are a clean image and the rows' configurations."""


TABLE = {
    "squeeze": (squeeze.Squeeze, 3),
    "actnorm": (actnorm.ActNorm, 3),
    "invertible convolution": (invertible_conv.InvertibleConv, 5),
    "coupling": (lambda: coupling.Coupling(hidden=3), 4),
    "coupling without features": (lambda: coupling.Coupling(hidden=3), 4),
    "injector": (lambda: injector.Injector(hidden=3), 3),
    "chain": (block, 3),
    **GIVEN,
    "repeat": (repeated, 4),
}
SIZES = [(2, 2), (4, 6)]


@functools.cache
def build(name, size):
    """(bijector, variables away from their first values, two rows, their features)."""
    make, channels = TABLE[name]
    bijector, rng = make(), np.random.default_rng(0)
    u = jnp.asarray(rng.normal(1, 2, (16, *size, channels)), jnp.float32)
    cells = [length // 2 for length in size] if name == "chain" else size
    features = jnp.asarray(rng.normal(size=(16, *cells, 2)), jnp.float32)
    if name == "coupling without features":
        features = None
    if name in GIVEN:
        clean = jnp.asarray(rng.random((16, *size, channels)), jnp.float32)
        features = camera_scaling.Given(clean, jnp.asarray(np.arange(16) % 3, jnp.int32))
    variables = jax.jit(functools.partial(bijector.init, method="forward"))(
        jax.random.key(0), u, features
    )
    away = 0.03 if name == "repeat" else 0.1  # three couplings at 0.1 span more than float32 holds
    params = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(0, away, leaf.shape), jnp.float32),
        variables.get("params", {}),
    )
    return bijector, {**variables, "params": params}, u[:2], _row(features, slice(2))


def _row(features, which):
    return jax.tree.map(lambda leaf: leaf[which], features)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TABLE)
def test_the_inverse_undoes_the_map_and_its_log_determinant(name, size):
    bijector, variables, u, features = build(name, size)
    forward, inverse = (
        jax.jit(functools.partial(bijector.apply, variables, method=direction))
        for direction in ("forward", "inverse")
    )
    v, there = forward(u, features)
    again, back = inverse(v, features)
    assert v.size == u.size and there.dtype == back.dtype == jnp.float32
    np.testing.assert_allclose(again, u, atol=1e-5 * np.abs(u).max())
    np.testing.assert_allclose(back, -there, atol=1e-4)
    if name != "squeeze":
        assert np.abs(v - u.reshape(v.shape)).max() > 0.1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TABLE)
def test_the_log_determinant_is_the_jacobians(name, size):
    bijector, variables, u, features = build(name, size)
    forward = functools.partial(bijector.apply, variables, method="forward")
    _, log_det = jax.jit(forward)(u, features)

    def one(u, features):
        return forward(u[None], _row(features, None))[0].ravel()

    jacobian_of = jax.jit(jax.jacfwd(one))
    for row in range(2):
        jacobian = jacobian_of(u[row], _row(features, row))
        expected = np.linalg.slogdet(np.float64(jacobian.reshape(u[row].size, -1)))[1]
        np.testing.assert_allclose(log_det[row], expected, atol=1e-3)


def test_the_first_batch_leaves_actnorm_with_mean_0_and_deviation_1():
    u = jnp.asarray(np.random.default_rng(0).normal(3, 5, (2, 4, 6, 3)), jnp.float32)
    u = u.at[..., 1].set(0.25)  # a constant channel
    v, variables = actnorm.ActNorm().init_with_output(jax.random.key(0), u, method="forward")
    del variables
    np.testing.assert_allclose(v[0].mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(v[0].std((0, 1, 2)), [1, 0, 1], atol=1e-5)


def test_the_invertible_convolution_begins_as_a_rotation():
    u = jnp.asarray(np.random.default_rng(0).normal(size=(1, 2, 3, 12)), jnp.float32)
    (v, log_det), _ = invertible_conv.InvertibleConv().init_with_output(
        jax.random.key(1), u, method="forward"
    )
    np.testing.assert_allclose(
        jnp.linalg.norm(v, axis=-1), jnp.linalg.norm(u, axis=-1), rtol=1e-5
    )
    np.testing.assert_allclose(log_det, 0, atol=1e-4)


def test_a_coupling_begins_with_the_same_scale_everywhere():
    u = jnp.ones((1, 2, 2, 4))
    (v, log_det), _ = coupling.Coupling(hidden=3).init_with_output(
        jax.random.key(0), u, None, method="forward"
    )
    scale = 1 / (1 + np.exp(-2)) + 0.001
    np.testing.assert_allclose(v[..., 2:], 1 / scale, rtol=1e-6)
    np.testing.assert_allclose(log_det, -8 * np.log(scale), rtol=1e-5)


def test_what_a_bijector_cannot_take_is_refused():
    with pytest.raises(ValueError, match="squeeze: expected an even height and width, got 3x4"):
        squeeze.Squeeze().forward(jnp.zeros((1, 3, 4, 3)))
    with pytest.raises(ValueError, match="squeeze: expected channels by fours, got 6"):
        squeeze.Squeeze().inverse(jnp.zeros((1, 2, 2, 6)))
    with pytest.raises(ValueError, match="coupling: expected an even number of channels, got 3"):
        coupling.Coupling(hidden=2).init(
            jax.random.key(0), jnp.zeros((1, 2, 2, 3)), None, method="forward"
        )
    single = jnp.zeros((1, 2, 2, 1))
    given = camera_scaling.Given(single, jnp.zeros(1, jnp.int32))
    with pytest.raises(ValueError, match="coupling: expected 2 channels or more, got 1"):
        pixel_flows.NoiseCoupling(train=False).init(
            jax.random.key(0), single, given, method="forward"
        )


def test_low_precision_inside_couplings_still_goes_back():
    u = jnp.asarray(np.random.default_rng(0).normal(size=(1, 4, 4, 4)), jnp.float32)
    bijector = coupling.Coupling(hidden=3, dtype=jnp.bfloat16)
    variables = bijector.init(jax.random.key(0), u, None, method="forward")
    variables = jax.tree.map(lambda leaf: leaf + 0.05, variables)
    v, log_det = bijector.apply(variables, u, None, method="forward")
    again, _ = bijector.apply(variables, v, None, method="inverse")
    assert v.dtype == log_det.dtype == jnp.float32
    np.testing.assert_allclose(again, u, atol=1e-4)

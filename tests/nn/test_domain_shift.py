"""The two domains' densities against NumPy, and that the two ways between them are each other's."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from senm_jax.nn import domain_shift

CHANNELS = 3


def _shift():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(CHANNELS, CHANNELS))
    root[:, 2] = root[:, 0] + root[:, 1]  # a covariance that has no inverse
    mean = rng.normal(size=CHANNELS)
    return domain_shift.Shift(*(jnp.asarray(a, jnp.float32) for a in (mean, root)))


def _normal(name, rows=1, side=2):
    key = jax.random.key(sum(map(ord, name)))
    return jax.random.normal(key, (rows, side, side, CHANNELS))


def test_log_likelihoods_are_those_of_the_two_gaussians():
    shift, z = _shift(), 2 * _normal("z", rows=2)
    mean, root = (np.asarray(a, np.float64) for a in shift)
    covariance = np.eye(CHANNELS) + root @ root.T
    away = np.asarray(z, np.float64).reshape(2, -1, CHANNELS) - mean
    distance = np.einsum("rpi,ij,rpj->r", away, np.linalg.inv(covariance), away)
    constant = np.linalg.slogdet(covariance)[1] + CHANNELS * math.log(2 * math.pi)
    np.testing.assert_allclose(
        domain_shift.log_prob_degraded(z, shift), -0.5 * (4 * constant + distance), rtol=1e-5
    )
    none = domain_shift.Shift(jnp.zeros(CHANNELS), jnp.zeros((CHANNELS, CHANNELS)))
    np.testing.assert_allclose(
        domain_shift.log_prob_clean(z), domain_shift.log_prob_degraded(z, none), rtol=1e-6
    )


def test_degrading_makes_the_degraded_density_and_restoring_the_clean_one():
    shift = _shift()
    z, eta, back = (_normal(name, side=300) for name in ("z", "eta", "back"))
    degraded = domain_shift.degraded(z, shift, eta)
    restored = domain_shift.restored(degraded, shift, back)
    flat, again = (np.asarray(a).reshape(-1, CHANNELS) for a in (degraded, restored))
    np.testing.assert_allclose(flat.mean(0), shift.mean, atol=0.03)
    expected = np.eye(CHANNELS) + shift.root @ shift.root.T
    np.testing.assert_allclose(np.cov(flat.T), expected, atol=0.2)
    np.testing.assert_allclose(again.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(again.T), np.eye(CHANNELS), atol=0.03)
    # Of all that has this density it is the posterior: together with what it was restored from,
    # it is distributed as the original is.
    original = np.cov(np.asarray(z).reshape(-1, CHANNELS).T, flat.T)
    np.testing.assert_allclose(np.cov(again.T, flat.T), original, atol=0.05)


def test_without_a_covariance_the_shift_is_its_mean():
    shift = domain_shift.Shift(jnp.array([1.0, 0.0, -2.0]), jnp.zeros((CHANNELS, CHANNELS)))
    z, eta = _normal("z"), _normal("eta")
    degraded = domain_shift.degraded(z, shift, eta)
    np.testing.assert_allclose(degraded, z + shift.mean, rtol=1e-6)
    np.testing.assert_allclose(domain_shift.restored(degraded, shift, eta), z, atol=1e-5)


def test_a_root_of_zero_never_learns_and_the_first_one_does():
    z = 2 * _normal("z")

    def gradient(std):
        shift = domain_shift.Shift(**domain_shift.first(jax.random.key(0), CHANNELS, std))
        return jax.grad(lambda s: domain_shift.log_prob_degraded(z, s).sum())(shift)

    assert np.abs(gradient(0.0).root).max() == 0 < np.abs(gradient(0.0).mean).max()
    assert np.abs(gradient(1e-3).root).max() > 0

import jax
import jax.numpy as jnp

from senm_jax.training import bench

ONE = 2 * 3 * 3


def _chain(x, kernels):
    return jax.lax.scan(lambda x, kernel: (x @ kernel, None), x @ kernels[0], kernels)[0]


def _macs(function, **options):
    jaxpr = jax.make_jaxpr(function)(jnp.zeros((2, 3)), jnp.zeros((5, 3, 3))).jaxpr
    return bench.macs(jaxpr, **options)


def test_multiply_adds_of_products_and_of_a_loop_s_rounds():
    assert _macs(_chain) == 6 * ONE  # the one before the loop, and the loop's
    assert _macs(_chain, every_round=False) == 2 * ONE


def test_multiply_adds_of_a_loop_within_a_loop():
    def chains(x, kernels):
        return jax.lax.fori_loop(0, 3, lambda _, x: _chain(x, kernels), x)

    assert _macs(chains) == 3 * 6 * ONE
    assert _macs(chains, every_round=False) == 2 * ONE


def test_branches_count_as_this_platform_or_the_dearest_one():
    def once(x, kernels):
        return x @ kernels[0]

    def here(ours, others):
        platform = {jax.default_backend(): ours}
        return lambda *given: jax.lax.platform_dependent(*given, **platform, default=others)

    assert _macs(here(once, _chain)) == ONE
    assert _macs(here(_chain, once)) == 6 * ONE
    assert _macs(lambda x, k: jax.lax.cond(x[0, 0] > 0, once, _chain, x, k)) == 6 * ONE

import jax
import jax.numpy as jnp

from senm_jax.training import bench


def test_multiply_adds_of_products_and_of_a_loop_s_later_rounds():
    def chain(x, kernels):
        return jax.lax.scan(lambda x, kernel: (x @ kernel, None), x @ kernels[0], kernels)[0]

    jaxpr = jax.make_jaxpr(chain)(jnp.zeros((2, 3)), jnp.zeros((5, 3, 3))).jaxpr
    one = 2 * 3 * 3
    assert bench.macs(jaxpr) == 2 * one  # the one before the loop, and the loop's body
    assert bench.rounds(jaxpr) == 4 * one

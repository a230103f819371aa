"""VDIR's networks: their sizes, what odd images become, and the discriminator's normalisation."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import supervised, vdir
from senm_jax.nn import spectral
from senm_jax.nn import vdir as nn_vdir
from senm_jax.nn import vdir_ffdnet, vdir_restorer


def _count(module, *shape):
    made = jax.eval_shape(lambda key: module.init(key, jnp.zeros((1, *shape))), jax.random.key(0))
    return {name: sum(leaf.size for leaf in jax.tree.leaves(part))
            for name, part in made["params"].items()}


def _counts(config):
    """Parameters of each network."""
    built = vdir.build(config)
    apart = {"decoder": _count(built.decoder, 2, 2, 4),
             "estimator": _count(built.estimator, 2, 2, 4),
             "discriminator": _count(built.discriminator, 8, 8, 3)}
    return _count(built.network, 8, 8, 3) | {
        name: sum(counts.values()) for name, counts in apart.items()}


def test_parameter_counts_are_the_published():
    assert _counts(vdir.Config()) == {
        "encoder": 154_120, "restorer": 2_073_795, "decoder": 114_883, "estimator": 4_099,
        "discriminator": 9_409_601,
    }


@pytest.mark.parametrize("scale, count", [(2, 2_221_507), (4, 2_369_219)])
def test_parameter_counts_of_the_super_resolvers(scale, count):
    found = _counts(vdir.Config(architecture={"scale": scale}, estimate="kernel"))
    assert found["restorer"] == count
    assert found["encoder"] == 154_120
    assert found["estimator"] == 4 * 64 * 9 + 64 + 64 * 225 * 9 + 225


def test_ffdnet_is_given_the_latent_in_place_of_the_level():
    found = _counts(vdir.Config(restorer="ffdnet"))
    assert found["restorer"] == 852_108 + 3 * 9 * 96  # four channels where there was one


def test_the_restorer_alone_sees_three_channels():
    network = supervised.NETWORKS["rir"]()
    assert sum(_count(network, 8, 8, 3).values()) == 2_073_795 - 4 * 9 * 64


SMALL = {"width": 4, "blocks": 1, "layers": 1}


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (9, 12)])
@pytest.mark.parametrize("restorer, scale", [
    (vdir_restorer.Restorer(**SMALL), 1), (vdir_restorer.Restorer(**SMALL, scale=4), 4),
    (vdir_ffdnet.FFDNet(width=4, depth=2), 1),
], ids=["rir", "x4", "ffdnet"])
def test_any_size_is_restored_to_its_multiple(size, restorer, scale):
    network = nn_vdir.VDIR(restorer, width=4, latent=2)
    image = jnp.ones((1, *size, 3))
    restored, _ = jax.jit(network.init_with_output)(jax.random.key(0), image)
    assert restored.shape == (1, scale * size[0], scale * size[1], 3)
    assert np.isfinite(restored).all()


@pytest.mark.parametrize("given", [None, jnp.ones((1, 2, 2, 4))], ids=["blind", "latent"])
def test_an_open_start_passes_the_image(given):
    image = jax.random.uniform(jax.random.key(0), (1, 8, 8, 3))
    for open_start in (True, False):
        restorer = vdir_restorer.Restorer(width=4, blocks=1, layers=1, open_start=open_start)
        variables = restorer.init(jax.random.key(1), image, given)
        passed = np.array_equal(restorer.apply(variables, image, given), image)
        assert passed == open_start


def test_an_odd_side_s_last_pixel_is_pooled_alone():
    """Beyond the border there is nothing: larger than any pixel of a negative image would be 0."""
    image = jnp.asarray(-np.arange(1.0, 16).reshape(1, 3, 5, 1), jnp.float32)
    pooled = nn_vdir.Pool().apply({}, image)[0, ..., 0]
    np.testing.assert_array_equal(pooled, [[-1, -3, -5], [-11, -13, -15]])


def test_power_iterations_bring_the_kernel_to_norm_one():
    conv = spectral.SpectralConv(5)
    image = jax.random.normal(jax.random.key(1), (1, 6, 6, 3))
    variables = conv.init(jax.random.key(0), image)
    kernel = np.asarray(variables["params"]["kernel"]).reshape(-1, 5)
    apply = jax.jit(lambda variables: conv.apply(variables, image, mutable=["statistics"]))
    for _ in range(100):
        result, updated = apply(variables)
        variables = {**variables, **updated}
    u = np.asarray(variables["statistics"]["u"])
    largest = np.linalg.svd(kernel)[1][0]
    np.testing.assert_allclose(np.linalg.norm(kernel @ u.T), largest, rtol=1e-5)
    given = {"params": {"kernel": variables["params"]["kernel"] / largest, "bias": jnp.zeros(5)}}
    plain = nn.Conv(5, (3, 3)).apply(given, image)
    np.testing.assert_allclose(result, plain, atol=1e-5)


def test_kernels_start_within_two_deviations_of_the_right_size():
    conv = spectral.SpectralConv(64).init(jax.random.key(0), jnp.zeros((1, 4, 4, 32)))["params"]
    group = vdir_restorer.ResidualGroup(0)
    block = group.init(jax.random.key(0), jnp.zeros((1, 4, 4, 64)))["params"]
    for kernel, variance in ((conv["kernel"], 2 / (9 * 32)),
                             (block["conv_out"]["kernel"], 1 / (9 * 64))):
        np.testing.assert_allclose(np.std(kernel), np.sqrt(variance), rtol=0.02)
        assert np.abs(kernel).max() <= 2 * np.sqrt(variance) / 0.8796
    assert not np.any(block["conv_out"]["bias"])

"""ESRGAN's discriminator: its size in both forms, its use of batch statistics, its error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import initial, vgg_discriminator

SMALL = {"width": 2, "hidden": 4}


def _init(fields, side=32):
    network = vgg_discriminator.VGGDiscriminator(**fields)
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    return network, initial.variables(network, jax.random.key(0), image, train=False)


@pytest.mark.parametrize("kair, count", [(False, 14_499_401), (True, 14_502_281)])
def test_parameter_counts_of_the_published_forms(kair, count):
    shapes = jax.eval_shape(lambda: _init({"kair": kair}, 128)[1])["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == count


@pytest.mark.parametrize("kair, momentum", [(False, 0.1), (True, 0.9)])
def test_one_logit_an_image_and_statistics_that_follow_the_batch(kair, momentum):
    network, variables = _init(SMALL | {"kair": kair})
    image = jax.random.uniform(jax.random.key(1), (3, 32, 32, 3))
    logits, updated = jax.jit(
        lambda image: network.apply(variables, image, train=True, mutable=["statistics"]))(image)
    assert logits.shape == (3, 1) and logits.dtype == jnp.float32
    names = {"conv0_0", "conv0_1", "norm0_1"}
    assert names <= set(variables["params"]) and "norm0_0" not in variables["params"]
    assert ("bias" in variables["params"]["conv0_1"]) == kair
    moved = updated["statistics"]["norm0_1"]["variance"]
    assert np.all(np.asarray(moved) <= 1 - momentum + momentum * 0.5)


def test_other_sides_are_refused():
    with pytest.raises(ValueError, match="multiples of 32, got 48x48"):
        _init(SMALL, 48)

"""Official SeNM-VAE names: every tensor there once, and back to the same bytes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.interop import senm_vae as interop
from senm_jax.interop import torch_layout
from senm_jax.nn import discriminators, initial, level_predictor, senm_vae, senm_vae_paired


def _image(side=16):
    return jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)


def _zeros(name, shape):
    return jnp.zeros(shape)


def _semi(**fields):
    image, key = _image(), jax.random.key(0)
    level, coins = (jax.ShapeDtypeStruct((2,), kind) for kind in (jnp.float32, jnp.bool_))
    images = (image, image)
    return initial.variables(
        senm_vae.SeNMVAE(**fields), key, images, images, level, coins,
        normal=_zeros, method="reconstruct",
    )


def _paired(**fields):
    level = jax.ShapeDtypeStruct((1,), jnp.float32)
    return initial.variables(
        senm_vae_paired.SeNMVAEPaired(**fields), jax.random.key(0), _image(), _image(), level,
        normal=_zeros, method="reconstruct",
    )


SEMI = {"width": 8, "growth": 4, "levels": (1, 2), "degradation_channels": 2, "downs": 1}
PAIRED = {"width": 8, "growth": 4, "levels": (2, 1)}
CHECKPOINTS = {
    "generator": (lambda: _semi(**SEMI), lambda: interop.generator(**SEMI)),
    "paired generator": (lambda: _paired(**PAIRED), lambda: interop.generator_paired(**PAIRED)),
    "level predictor": (
        lambda: initial.variables(
            level_predictor.LevelPredictor(), jax.random.key(0), _image()
        ),
        interop.level_predictor,
    ),
    "discriminator": (
        lambda: initial.variables(
            discriminators.PatchDiscriminator(8), jax.random.key(0), _image(64), train=False
        ),
        interop.discriminator,
    ),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_writing_and_reading_gives_every_tensor_back(name):
    make, table = CHECKPOINTS[name]
    variables = {"params": {}, "statistics": {}, **make()}
    state = torch_layout.write(variables, table())
    again = torch_layout.read(state, table())
    jax.tree.map(np.testing.assert_array_equal, dict(variables), again)
    twice = torch_layout.write(again, table())
    assert list(twice) == list(state)
    assert all(twice[key].tobytes() == state[key].tobytes() for key in state)


def test_the_architecture_is_read_off_the_tensors():
    state = torch_layout.write(_semi(**SEMI), interop.generator(**SEMI))
    assert interop.architecture(state) == SEMI
    state = torch_layout.write(_paired(**PAIRED), interop.generator_paired(**PAIRED))
    assert interop.architecture_paired(state) == PAIRED


def test_a_wrong_key_is_named_with_its_nearest():
    table = interop.level_predictor()
    state = torch_layout.write(CHECKPOINTS["level predictor"][0](), table)
    state["net.00.weight"] = state.pop("net.0.weight")
    with pytest.raises(ValueError, match=r"net\.0\.weight \(nearest there: net\.00\.weight\)"):
        torch_layout.read(state, table)


def test_another_kind_of_checkpoint_is_refused():
    with pytest.raises(ValueError, match="inconv_N.0.weight"):
        interop.architecture({"model.0.weight": np.zeros((1, 3, 3, 3))})
    with pytest.raises(ValueError, match="proj_zh.0.weight"):
        interop.architecture_paired({"model.0.weight": np.zeros((1, 3, 3, 3))})

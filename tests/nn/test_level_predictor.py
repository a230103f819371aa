"""The level predictor takes any image that four halvings leave something of, and no smaller one."""

import jax
import jax.numpy as jnp
import pytest

from senm_jax.nn import level_predictor

PREDICTOR = level_predictor.LevelPredictor(2)


def _shape(height, width):
    image = jax.ShapeDtypeStruct((3, height, width, 3), jnp.float32)
    return jax.eval_shape(PREDICTOR.init_with_output, jax.random.key(0), image)[0].shape


@pytest.mark.parametrize("size", [(16, 16), (17, 40)])
def test_one_level_for_each_image(size):
    assert _shape(*size) == (3,)


@pytest.mark.parametrize("size", [(15, 16), (64, 1)])
def test_too_small_an_image_is_refused(size):
    with pytest.raises(ValueError, match=f"at least 16x16 pixels, got {size[0]}x{size[1]}"):
        _shape(*size)

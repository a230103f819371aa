"""Official LUD-VAE names: every tensor there once, and back to the same bytes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.interop import lud_vae as interop
from senm_jax.interop import torch_layout
from senm_jax.nn import initial, lud_vae


def _variables(**fields):
    image = jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.float32)
    drawn = initial.variables(
        lud_vae.LUDVAE(**fields), jax.random.key(0), (image, image), image,
        normal=lambda name, shape: jnp.zeros(shape), method="reconstruct",
    )
    return {"params": drawn["params"], "statistics": {}}


@pytest.mark.parametrize("layers", [1, 3, 5])
def test_writing_and_reading_gives_every_tensor_back(layers):
    fields = {"width": 4, "layers": layers}
    variables, table = _variables(**fields), interop.network(**fields)
    state = torch_layout.write(variables, table)
    again = torch_layout.read(state, table)
    jax.tree.map(np.testing.assert_array_equal, variables, again)
    twice = torch_layout.write(again, table)
    assert all(twice[key].tobytes() == state[key].tobytes() for key in state)
    assert interop.architecture(state) == fields
    assert state["proj_1.proj.weight"].shape == (4, 8, 1, 1)


def test_another_kind_of_checkpoint_is_refused():
    with pytest.raises(ValueError, match="inconv_n.weight"):
        interop.architecture({"model.0.weight": np.zeros((1, 3, 3, 3))})

"""DnCNN's official names: exact both ways, and strict about what is there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.interop import dncnn as interop
from senm_jax.nn import dncnn


def _variables(**fields):
    network = dncnn.DnCNN(width=8, **fields)
    variables = network.init(jax.random.key(0), jnp.zeros((1, 4, 4, 3)), train=False)
    leaves, tree = jax.tree.flatten(variables)
    rng = np.random.default_rng(0)
    drawn = [rng.standard_normal(leaf.shape).astype(np.float32) for leaf in leaves]
    return jax.tree.unflatten(tree, drawn)


@pytest.mark.parametrize("fields", [{"depth": 5}, {"depth": 3, "body_bias": False}, {"depth": 2}])
def test_writing_and_reading_gives_the_same_bits(fields):
    variables = _variables(**fields)
    variables = {"params": variables["params"], "statistics": variables.get("statistics", {})}
    state = interop.write(variables)
    again = interop.read(state)
    assert jax.tree.structure(again) == jax.tree.structure(variables)
    jax.tree.map(np.testing.assert_array_equal, again, variables)
    assert interop.architecture(state) == {
        "depth": fields["depth"], "width": 8, "channels": 3,
        "body_bias": fields.get("body_bias", True) and fields["depth"] > 2,
    }


def test_official_names_order_and_layout():
    state = interop.write(_variables(depth=3))
    assert list(state) == [
        "model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias", "model.3.weight",
        "model.3.bias", "model.3.running_mean", "model.3.running_var",
        "model.3.num_batches_tracked", "model.5.weight", "model.5.bias",
    ]
    assert state["model.0.weight"].shape == (8, 3, 3, 3)
    assert state["model.5.weight"].shape == (3, 8, 3, 3)


def test_foreign_missing_and_unknown_entries_are_refused():
    state = interop.write(_variables(depth=4))
    with pytest.raises(ValueError, match="expected a DnCNN with batch normalisation"):
        interop.read({"conv_first.weight": np.zeros((8, 3, 3, 3))})
    with pytest.raises(ValueError, match=r"missing entries \['model.3.running_mean'\]"):
        interop.read({k: v for k, v in state.items() if k != "model.3.running_mean"})
    with pytest.raises(ValueError, match=r"unknown entries \['extra'\]"):
        interop.read(state | {"extra": np.zeros(3)})

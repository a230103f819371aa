"""Official NAFlow names: every entry accounted for, and back to the same bytes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.interop import naflow as interop
from senm_jax.nn import camera_gaussians, naflow

SMALL = {"levels": 2, "transitions": 1, "blocks": 2, "width": 8, "hidden": 3}
RELEASED = {"levels": 3, "transitions": 2, "blocks": 2, "width": 128, "hidden": 64}
LABELS = tuple(f"camera_{iso:05d}" for iso in range(100, 134))


@functools.cache
def _drawn(**fields):
    network, image = naflow.NAFlow(**fields), jnp.zeros((1, 16, 16, 3))
    init = functools.partial(network.init, method="encode")
    return network, jax.jit(init)(jax.random.key(0), image, image)


def _variables(fields, labels):
    """Random variables of the player ``flow``, permutations and signs as they are drawn."""
    network, drawn = _drawn(**fields)
    table = camera_gaussians.first(len(labels), network.channels)
    params = {"network": drawn["params"], "configurations": table}
    rng = np.random.default_rng(0)
    return jax.tree.map(np.asarray, {
        "params": jax.tree.map(
            lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), params
        ),
        "statistics": {"network": drawn["statistics"]},
    })


def test_writing_and_reading_gives_every_value_back():
    variables = _variables(SMALL, LABELS[:2])
    state = interop.write(variables, LABELS[:2])
    again = interop.read({f"model.{name}": value for name, value in state.items()})
    jax.tree.map(np.testing.assert_array_equal, variables, again)
    twice = interop.write(again, LABELS[:2])
    assert list(twice) == list(state)
    assert all(twice[name].tobytes() == state[name].tobytes() for name in state)
    assert interop.architecture(state) == SMALL | {"configurations": LABELS[:2]}


def test_every_entry_of_the_release_is_accounted_for():
    variables = _variables(RELEASED, LABELS)
    state = interop.write(variables, LABELS)

    def size(condition):
        return sum(value.size for name, value in state.items() if condition(name))

    buffers = size(lambda name: name.endswith((".p", ".sign_s")))
    unused = size(lambda name: name == "I" or name.startswith("flowUpsamplerNet.f."))
    factors = [value for name, value in state.items() if name.endswith((".l", ".u"))]
    masked = sum(n * (n + 1) // 2 for n in (len(value) for value in factors))
    ours = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert size(lambda name: True) - buffers == 1_114_955
    assert (ours, unused, masked) == (894_839, 36_864 + 24_960, 158_292)
    assert ours + unused + masked == 1_114_955
    assert size(lambda name: name.startswith("cond_net.")) == 12_896


def test_what_does_not_fit_is_named():
    labels = LABELS[:2]
    state = interop.write(_variables(SMALL, labels), labels)
    with pytest.raises(ValueError, match="expected a NAFlow"):
        interop.architecture({"model.0.weight": np.zeros((1, 3, 3, 3))})
    wrong = {name: value for name, value in state.items() if name != "I"}
    with pytest.raises(ValueError, match=r"missing entries \['I'\], unknown entries \['J'\]"):
        interop.read(wrong | {"J": state["I"]})
    place = "flowUpsamplerNet.layers.0.invconv.p"
    with pytest.raises(ValueError, match="layers.0.invconv.p: expected a permutation"):
        interop.read(state | {place: np.ones((3, 3))})
    with pytest.raises(ValueError, match="expected 2 names, one a row of the table, got 1"):
        interop.write(_variables(SMALL, labels), labels[:1])

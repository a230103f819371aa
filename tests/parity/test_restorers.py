"""Every kept case of the restorers, against the original implementations' outputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import dncnn as interop
from senm_jax.nn import dncnn

SYSTEM = "restorers"
KAIR = {"epsilon": 1e-4, "momentum": 0.9}
C2N = {"epsilon": 1e-5, "momentum": 0.1}  # the one without biases before its normalisations


@functools.cache
def _expected():
    return cases.load(SYSTEM, "expected.npz")


def _state(case):
    """The case's checkpoint; normalisation scales lie around 1, counters are 0."""
    recipe = cases.recipe()
    state = {}
    for name, shape in cases.manifest(SYSTEM, case["manifest"]).items():
        value = recipe.weight(case["seed"], name, shape, case["gain"])
        if name.endswith("num_batches_tracked"):
            value = np.zeros(shape, np.int64)
        elif name.endswith(".weight") and len(shape) == 1:
            value = value + np.float32(1)
        state[name] = value
    return state


def _run_dncnn(case):
    """The case's outputs by their official names."""
    state = _state(case)
    given = case["inputs"]["x"]
    x = getattr(cases.recipe(), given["fn"])(case["seed"], "x", given["shape"])
    variables, train = interop.read(state), case["mode"] == "train"
    fields = interop.architecture(state)
    network = dncnn.DnCNN(**fields, **(KAIR if fields["body_bias"] else C2N))
    with jax.default_matmul_precision("highest"):
        y, updated = network.apply(
            variables, jnp.asarray(x.transpose(0, 2, 3, 1)), train=train, mutable=["statistics"]
        )
    outputs = interop.write(jax.device_get({**variables, **updated}))
    return outputs | {"y": np.asarray(y).transpose(0, 3, 1, 2)}


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    if not case.get("net", "").startswith("dncnn"):
        pytest.skip(f"{case.get('net', case['name'])}: no such network here yet")
    outputs = _run_dncnn(case)
    for output in case["outputs"]:
        expected = _expected()[f"{case['name']}.{output}"]
        cases.assert_close(outputs[output], expected, case["name"], output)

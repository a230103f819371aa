"""Every kept case of the restorers, against the original implementations' outputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import dncnn as dncnn_files
from senm_jax.interop import drunet as drunet_files
from senm_jax.interop import ffdnet as ffdnet_files
from senm_jax.interop import nafnet as nafnet_files
from senm_jax.interop import rrdbnet as rrdbnet_files
from senm_jax.interop import torch_layout
from senm_jax.interop import vgg_discriminator as vgg_files
from senm_jax.methods import critics, supervised
from senm_jax.nn import dncnn, drunet, ffdnet, nafnet, rrdb, vgg_discriminator
from senm_jax.training import platform

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


def _nhwc(x):
    return jnp.asarray(x.transpose(0, 2, 3, 1))


def _given(case):
    """The case's inputs by name, in its own layout."""
    return {name: getattr(cases.recipe(), given["fn"])(case["seed"], name, given["shape"])
            for name, given in case["inputs"].items()}


def _apply(network, variables, case, *more, **how):
    """The network's output and its updated statistics."""
    how = {"train": case["mode"] == "train"} | how
    apply = functools.partial(network.apply, mutable=["statistics"], **how)
    with jax.default_matmul_precision("highest"):
        return platform.jit(apply)(variables, _nhwc(_given(case)["x"]), *more)


def _nchw(y):
    return np.asarray(y).transpose(0, 3, 1, 2)


def _run_dncnn(case, state):
    """The case's outputs by their official names."""
    variables, fields = dncnn_files.read(state), dncnn_files.architecture(state)
    network = dncnn.DnCNN(**fields, **(KAIR if fields["body_bias"] else C2N))
    y, updated = _apply(network, variables, case)
    return dncnn_files.write(jax.device_get({**variables, **updated})) | {"y": _nchw(y)}


def _level(case):
    return jnp.full(case["inputs"]["x"]["shape"][0], case["sigma"], jnp.float32)


def _run_ffdnet(case, state):
    fields = ffdnet_files.architecture(state)
    variables = torch_layout.read(state, ffdnet_files.network(fields["depth"]))
    y, _ = _apply(ffdnet.FFDNet(**fields), variables, case, _level(case))
    return {"y": _nchw(y)}


def _run_drunet(case, state):
    fields = drunet_files.architecture(state)
    table = drunet_files.network(fields["widths"], fields["blocks"], fields["bias"])
    more = (_level(case),) if fields["noise_map"] else ()
    network = drunet.DRUNet(**fields)
    y, _ = _apply(network, torch_layout.read(state, table), case, *more)
    return {"y": _nchw(y)}


def _run_nafnet(case, state):
    fields = nafnet_files.architecture(state)
    table = nafnet_files.network(fields["encoder"], fields["middle"], fields["decoder"])
    variables = torch_layout.read(state, table)
    y, _ = _apply(nafnet.NAFNet(**fields), variables, case, train=False)
    if case["mode"] == "eval":
        return {"y": _nchw(y)}
    local = nafnet.NAFNet(
        **fields, window=tuple(case["base_size"]), trained_on=tuple(case["train_size"][2:])
    )
    y_local, _ = _apply(local, variables, case, train=False)
    return {"y": _nchw(y_local), "y_global": _nchw(y)}


def _run_rrdbnet(case, state):
    fields = rrdbnet_files.architecture(state)
    variables = torch_layout.read(state, rrdbnet_files.network(fields["blocks"]))
    y, _ = _apply(rrdb.RRDBNet(**fields), variables, case)
    return {"y": _nchw(y)}


def _run_vgg(case, state):
    fields = vgg_files.architecture(state)
    assert fields.pop("side") == case["inputs"]["x"]["shape"][2]
    variables = torch_layout.read(state, vgg_files.network(fields["width"], fields["kair"]))
    y, _ = _apply(vgg_discriminator.VGGDiscriminator(**fields), variables, case)
    return {"y": np.asarray(y)}


def _run_losses(case):
    given = {name: jnp.asarray(value) for name, value in _given(case).items()}
    real, fake = given["pred_real"], given["pred_fake"]
    restored, clean = (_nhwc(_given(case)[name]) for name in ("pred", "target"))
    return {
        "ragan_g": critics.relativistic(fake, real), "ragan_d": critics.relativistic(real, fake),
        "psnr_loss": supervised.LOSSES["psnr"](restored, clean),
        "l1": supervised.LOSSES["l1"](restored, clean),
    }


NETWORKS = {"dncnn": _run_dncnn, "ffdnet": _run_ffdnet, "drunet": _run_drunet,
            "nafnet": _run_nafnet, "rrdbnet": _run_rrdbnet, "vgg": _run_vgg}


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    if case["name"] == "losses":
        outputs = _run_losses(case)
    else:
        kind = next(kind for kind in NETWORKS if case["net"].startswith(kind))
        outputs = NETWORKS[kind](case, _state(case))
    for output in case["outputs"]:
        expected = _expected()[f"{case['name']}.{output}"]
        cases.assert_close(outputs[output], expected, case["name"], output)

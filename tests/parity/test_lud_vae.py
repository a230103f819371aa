"""Every kept case of LUD-VAE, against the original implementation's outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import lud_vae as interop
from senm_jax.interop import torch_layout
from senm_jax.methods import lud_vae, objectives
from senm_jax.nn import lud_vae as nn_lud_vae
from senm_jax.training import platform

SYSTEM = "lud_vae"


def _inputs(case):
    """The case's arrays by name, NHWC; `recipe.array` takes a scale."""
    recipe, found = cases.recipe(), {}
    for each in case["inputs"]:
        more = {"scale": each["scale"]} if "scale" in each else {}
        drawn = getattr(recipe, each["function"])(
            each["seed"], each["name"], each["shape"], **more
        )
        found[each["name"]] = jnp.asarray(drawn.transpose(0, 2, 3, 1))
    return found


def _nchw(image):
    return np.asarray(image).transpose(0, 3, 1, 2)


def _norm(tree):
    return np.sqrt(sum(np.sum(np.square(np.float64(leaf))) for leaf in jax.tree.leaves(tree)))


def _outputs(case):
    weights = case["weights"]
    state = cases.recipe().state_dict(
        cases.FOLDER / SYSTEM / case["manifest"], weights["seed"], weights["gain"]
    )
    fields = interop.architecture(state)
    assert list(interop.network(**fields)) == list(state)  # the official order
    network = nn_lud_vae.LUDVAE(**fields)
    params = torch_layout.read(state, interop.network(**fields))["params"]
    inputs = _inputs(case)
    x = inputs["x"]
    hx = x + inputs["hx_noise"]
    noisy, none, ones = np.array(case["labels"]) == 1, x[:0], jnp.ones(x.shape[0])
    rows = lud_vae.Rows(x[~noisy], hx[~noisy], x[noisy], hx[noisy], 1)
    weight = lud_vae.weights(lud_vae.Config(kl_weight=case["kl_weight"]), rows, 10_000)

    def run(eps):
        def normal(name, shape):
            return jnp.full(shape, float(eps))

        def apply(*arguments, method):
            return network.apply({"params": params}, *arguments, method=method)

        def objective(params):
            parts = lud_vae.terms(network, params, rows, normal)
            return objectives.total(parts, weight), parts

        clean = apply((hx, none), none, normal, method="reconstruct")
        decoded = apply((none, hx), x, normal, method="reconstruct")
        (value, parts), grads = platform.jit(jax.value_and_grad(objective, has_aux=True))(params)
        kl = parts.get("kl_zn", jnp.zeros(()))
        named = {
            "decode_label0": _nchw(clean.x),
            "kl_sum_label0": np.zeros(x.shape[0]),  # clean rows have no divergence at all
            "decode_label1": _nchw(decoded.y),
            "kl_sum_label1": decoded.kl_zn,
            "rec_loss": objectives.total(parts, weight | {"kl_zn": 0.0})[None],
            "kl_loss": kl[None],
            "objective": value[None],
            "grad_norm": _norm(grads)[None],
        }
        for temperature in case["temperatures"]:
            made = apply(hx, temperature * ones, normal, method="translate")
            named[f"translate_label0_temp{temperature}"] = _nchw(made)
            named[f"translate_label1_temp{temperature}"] = _nchw(apply(hx, method="denoise"))
        return {f"{name}_eps{eps}": output for name, output in named.items()}

    found = {int(name.rsplit("eps", 1)[1]) for name in case["outputs"]}
    return {name: output for eps in sorted(found) for name, output in run(eps).items()}


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    with jax.default_matmul_precision("highest"):
        outputs = _outputs(case)
    expected = cases.load(SYSTEM, case["file"])
    for name in case["outputs"]:
        tolerance = 1e-4 if "grad" in name else 1e-5
        cases.assert_close(outputs[name], expected[name], case["name"], name, tolerance)

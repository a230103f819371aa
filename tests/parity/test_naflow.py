"""Every kept case of NAFlow, against the original implementation's outputs."""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import dncnn as dncnn_interop
from senm_jax.interop import naflow as interop
from senm_jax.nn import camera_gaussians, dncnn, naflow
from senm_jax.training import platform

SYSTEM = "naflow"
TOLERANCE = {r"grad/.*": 1e-4, r"nasl?_(resp|mean)": 1e-4}
"""By output, 1e-5 for all others. Shares, and the means they weigh, are the document's: the
original adds up its likelihoods in float32, which leaves its shares off by 2e-5 (against float64;
ours by 7e-7)."""
RELEASED, PAPER = (camera_gaussians.FORMS[form] for form in ("released", "paper"))


class Model:
    """The network on a case's weights and images, NHWC."""

    def __init__(self, case, zero_actnorm=False):
        config, seed = cases.document(SYSTEM)["configs"][case["config"]], case["seed"]
        self.state = cases.module(f"{SYSTEM}/case_weights.py").state_dict(
            cases.FOLDER / SYSTEM / config["manifest"], seed, zero_actnorm
        )
        fields = interop.architecture(self.state)
        self.labels = fields.pop("configurations")
        self.variables = jax.tree.map(jnp.asarray, interop.read(self.state))
        self.network = naflow.NAFlow(**fields)
        self.own = self.places(case["labels"])
        recipe, size = cases.recipe(), (case["height"], case["width"])
        cells = [length // self.network.multiple for length in size]
        latent = (self.network.channels, *cells)
        clean = recipe.image(seed, "clean", (case["batch"], 3, *size))
        self.clean = _nhwc(clean)
        self.noisy = _nhwc(clean + recipe.array(seed, "noise", clean.shape, 0.05))
        self.latent = _nhwc(recipe.array(seed, "latent", (case["batch"], *latent)))
        self.eps = _nhwc(recipe.array(seed, "eps", (1, *latent)))

    def places(self, names):
        return jnp.array([self.labels.index(name) for name in names])

    def apply(self, method, *given, params=None):
        variables = {
            "params": (params or self.variables["params"])["network"],
            "statistics": self.variables["statistics"]["network"],
        }
        apply = functools.partial(self.network.apply, method=method)
        return platform.jit(apply)(variables, *given)

    def table(self, params=None):
        return camera_gaussians.Table(**(params or self.variables["params"])["configurations"])

    def bits(self, log_density):
        """Bits per pixel."""
        return -log_density / (math.log(2) * self.clean.shape[1] * self.clean.shape[2])

    def dequantised(self, log_det):
        return log_det - math.log(256) * self.clean.shape[1] * self.clean.shape[2]


def _nhwc(array):
    return jnp.asarray(array.transpose(0, 2, 3, 1))


def _nchw(array):
    return np.asarray(array).transpose(0, 3, 1, 2)


def _likelihoods(model):
    z, log_det = model.apply("encode", model.noisy, model.clean)
    log_det, table = model.dequantised(log_det), model.table()

    def nll(own):
        return model.bits(log_det + camera_gaussians.log_prob(z, table, own))

    y, back = model.apply("decode", model.latent, model.clean)
    named = {
        "z": _nchw(z), "logdet": log_det, "nll": nll(model.own),
        "nll_swapped": nll(model.own[::-1]),
        "x_from_latent": _nchw(y), "logdet_from_latent": back,
    }
    return named | _sampling(model, "nas", z[:1]) | _sampling(model, "nasl", model.latent[:1])


def _sampling(model, prefix, z):
    table, places = model.table(), z.shape[1] * z.shape[2]
    judged = camera_gaussians.judge(z, table)
    weights = RELEASED.weights(judged.log_odds, places)
    mean, std = camera_gaussians.mixed(weights, table, RELEASED)
    latent = mean[:, None, None] + std[:, None, None] * model.eps
    image, _ = model.apply("decode", latent, model.clean[:1])
    named = {
        "loglik": judged.log_likelihood[0], "resp": weights[0], "mean": mean[0], "std": std[0],
        "cov": std[0] ** 2, "latent": _nchw(latent), "image": _nchw(image),
    }
    found = {f"{prefix}_{name}": value for name, value in named.items()}
    if prefix == "nas":
        alone = PAPER.weights(judged.log_odds, places)
        paper = camera_gaussians.mixed(alone, table, PAPER)
        _, joined = camera_gaussians.mixed(weights, table, PAPER)
        found |= {"paper_resp": alone[0], "paper_mean": paper[0][0], "paper_cov": paper[1][0] ** 2,
                  "temp_mean64": mean[0], "temp_cov_of_sigma": joined[0] ** 2}
    return found


def _features(model):
    """The features, and the clean image in the width that they are taken from."""
    wide = model.variables["params"]["network"]["conditioning"]["wide"]
    first = model.network.bind({"params": model.variables["params"]["network"]})
    found = [model.clean @ wide["kernel"][0, 0] + wide["bias"], *first.conditioning(model.clean)]
    return {f"cond/fea_down{2**i}": _nchw(each) for i, each in enumerate(found)}


def _gradients(model):
    def loss(params):
        z, log_det = model.apply("encode", model.noisy, model.clean, params=params)
        log_prior = camera_gaussians.log_prob(z, model.table(params), model.own)
        return jnp.mean(model.bits(model.dequantised(log_det) + log_prior))

    gradients = {**model.variables, "params": jax.grad(loss)(model.variables["params"])}
    return {f"grad/{name}": value
            for name, value in interop.write(gradients, model.labels).items()}


def _initialised(case):
    """One pass over the batch that gives every ActNorm its values, the rest given."""
    model = Model(case, zero_actnorm=True)
    params = model.variables["params"]["network"]
    variables = {"params": _without_norms(params),
                 "statistics": model.variables["statistics"]["network"]}
    apply = functools.partial(model.network.apply, method="encode", mutable=["params"])
    (z, log_det), made = platform.jit(apply)(
        variables, model.noisy, model.clean, rngs={"params": jax.random.key(0)}
    )
    log_prior = camera_gaussians.log_prob(z, model.table(), model.own)
    params = {**model.variables["params"], "network": made["params"]}
    state = interop.write({**model.variables, "params": params}, model.labels)
    named = {"z": _nchw(z), "nll": model.bits(model.dequantised(log_det) + log_prior)}
    return {f"init/{name}": value for name, value in (state | named).items()}


def _without_norms(tree):
    return {
        name: _without_norms(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if not (isinstance(value, dict) and "log_scale" in value)
    }


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    expected = cases.load(SYSTEM, case["file"])
    with jax.default_matmul_precision("highest"):
        model = Model(case)
        outputs = _likelihoods(model) | _features(model)
        if any(name.startswith("grad/") for name in expected):
            outputs |= _gradients(model)
        if any(name.startswith("init/") for name in expected):
            outputs |= _initialised(case)
    assert set(case["arrays"]) <= set(expected)
    for name in expected:
        tolerance = [each for form, each in TOLERANCE.items() if re.fullmatch(form, name)]
        sides = [_beside_its_scale(name, given) for given in (outputs, expected)]
        cases.assert_close(*sides, case["name"], name, *tolerance)


def _beside_its_scale(name, outputs):
    """The output; an initial bias, which may be 0 but for rounding, with the deviation of the
    channels that it is added to."""
    if not (name.startswith("init/") and name.endswith("actnorm.bias")):
        return outputs[name]
    return np.stack([outputs[name], np.exp(-outputs[name.replace("bias", "logs")])])


def _manifests():
    found = cases.document(SYSTEM)
    return [each["manifest"] for each in found["configs"].values()] if found else []


@pytest.mark.parametrize("file", _manifests())
def test_names_and_shapes_are_the_checkpoints(file):
    manifest = cases.manifest(SYSTEM, file)
    weights = cases.module(f"{SYSTEM}/case_weights.py")
    state = weights.state_dict(cases.FOLDER / SYSTEM / file, 0)
    written = interop.write(interop.read(state), interop.architecture(state)["configurations"])
    assert {name: list(value.shape) for name, value in written.items()} == manifest
    assert list(written) == list(manifest)


@pytest.mark.skipif(not (cases.document(SYSTEM) or {}).get("dncnn_case"), reason="no dncnn_case")
def test_the_denoiser_trained_on_its_noise():
    case = cases.document(SYSTEM)["dncnn_case"]
    recipe, state = cases.recipe(), {}
    for name, shape in cases.manifest(SYSTEM, case["manifest"]).items():
        value = recipe.weight(case["seed"], name, shape)
        scales = name.endswith(".weight") and len(shape) == 1
        state[name] = value + np.float32(1) if scales else value
    size = (case["batch"], 3, case["height"], case["width"])
    image = recipe.image(case["seed"], "noisy", size)
    fields, variables = dncnn_interop.architecture(state), dncnn_interop.read(state)
    # In float32 twenty normalisations by the batch leave either side off by about 1e-5.
    with jax.enable_x64(True):
        network = dncnn.DnCNN(**fields, epsilon=1e-4, momentum=0.9, dtype=jnp.float64)
        noisy = _nhwc(image.astype(np.float64))
        denoised = network.apply(variables, noisy, train=False)
        trained, updated = network.apply(variables, noisy, train=True, mutable=["statistics"])
    after = dncnn_interop.write(jax.device_get({**variables, **updated}))
    outputs = {f"running/{name}": value for name, value in after.items()}
    outputs |= {"denoised": _nchw(denoised), "denoised_train_mode": _nchw(trained)}
    for name, expected in cases.load(SYSTEM, case["file"]).items():
        cases.assert_close(outputs[name], expected, "dncnn", name)

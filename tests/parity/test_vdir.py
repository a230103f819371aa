"""Every kept case of VDIR, against an independent re-expression of the released graph."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import vdir as interop
from senm_jax.methods import vdir, vdir_rows, vdir_terms
from senm_jax.nn import vdir as nn_vdir
from senm_jax.nn import vdir_restorer
from senm_jax.ops import gaussian, resize
from senm_jax.training import platform

SYSTEM = "vdir"
_BASE = 64


@functools.cache
def _expected():
    return cases.load(SYSTEM, "expected.npz")


class Model:
    """A case's networks, their variables and its inputs."""

    def __init__(self, case):
        sizes = cases.document(SYSTEM)["configs"][case["config"]]
        recipe = cases.recipe()
        state = {name: recipe.weight(case["seed"], name, shape, case["gain"])
                 for name, shape in cases.manifest(SYSTEM, case["manifest"]).items()}
        self.config = vdir.Config(
            architecture={"width": sizes["width"], "blocks": sizes["D"], "layers": sizes["N"]},
            width=sizes["width"], latent=sizes["latent"],
            discriminator_width=round(_BASE * sizes.get("discriminator_width_factor", 1)),
        )
        self.built = vdir.build(self.config)
        self.tables = interop.training() | {"network": interop.network(sizes["D"], sizes["N"])}
        trees = {name: interop.read(state, table) for name, table in self.tables.items()}
        assert set(state) == {name for table in self.tables.values() for name in table}
        trees = jax.tree.map(jnp.asarray, trees)
        self.discriminator = trees.pop("discriminator")
        self.params = trees
        self.inputs = {name: jnp.asarray(getattr(recipe, each["fn"])(
            case["seed"], name, each["shape"])) for name, each in case["inputs"].items()}

    def names(self, part, tree):
        """An output for each variable of a tree of this part."""
        return interop.write(tree, self.tables[part])


def _inference(case):
    model = Model(case)
    network, x, eps = model.built.network, model.inputs["x"], model.inputs["eps"]

    def apply(part, module, *given, **more):
        return module.apply({"params": model.params[part]}, *given, **more)

    mean, log_variance = apply("network", network, x, method=network.encode)
    sampled = gaussian.sample(mean, log_variance / 2, eps)
    kl = gaussian.kl(mean, log_variance / 2, jnp.zeros_like(mean), jnp.zeros_like(mean))
    return {
        "mu": mean, "logvar": log_variance, "kl": jnp.mean(kl),
        "cond_up": resize.bilinear_tf1(mean, x.shape[1:3]),
        "restored_mean": apply("network", network, x),
        "restored_eps": apply("network", network, x, sampled, method=network.restore),
        "recon_mean": apply("decoder", model.built.decoder, mean),
        "est_mean": apply("estimator", model.built.estimator, mean),
    }


def _discriminator(case):
    model = Model(case)
    logits, updated = model.built.discriminator.apply(
        model.discriminator, model.inputs["x"], mutable=["statistics"])
    return {"logits": logits} | model.names(
        "discriminator", {"params": model.discriminator["params"], **updated})


def _loss(case):
    model = Model(case)
    x, eps = model.inputs["label"], model.inputs["eps"]
    y = x + case["sigma"] * model.inputs["noise"]
    rows = vdir_rows.Rows(x, y, jnp.full((x.shape[0], 1), case["sigma"], jnp.float32))

    def normal(name, shape):
        return eps.reshape(shape)

    def generator(params):
        parts, _ = vdir_terms.terms(model.built, params, rows, model.discriminator, normal)
        weight = vdir.weights(model.config)
        return sum(weight[name] * part for name, part in parts.items()), parts

    def discriminator(params):
        fake = vdir_terms.generate(model.built, model.params, y, normal).rec_y
        variables = {**model.discriminator, "params": params}
        return vdir_terms.judge(model.built.discriminator, variables, y, fake)[0]

    (total, parts), gradient = platform.jit(jax.value_and_grad(generator, has_aux=True))(
        model.params)
    judged, own = platform.jit(jax.value_and_grad(discriminator))(model.discriminator["params"])
    gradients = {name: value for part in model.params for name, value in
                 model.names(part, gradient[part]).items()}
    gradients |= model.names("discriminator", {**model.discriminator, "params": own})
    named = {"recon": "rec_x", "kl": "kl", "ae": "rec_y", "est": "estimate", "g": "gan"}
    return {"total": total, "d": judged} \
        | {theirs: parts[ours] for theirs, ours in named.items()} \
        | {f"grad/{name}": value for name, value in gradients.items()}


KINDS = {"inference": _inference, "discriminator": _discriminator, "loss": _loss}


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    with jax.default_matmul_precision("highest"):
        outputs = KINDS[case["kind"]](case)
    for name in case["outputs"]:
        expected = _expected()[f"{case['name']}.{name}"]
        tolerance = 1e-4 if name.startswith("grad") else 1e-5
        found = outputs[name.replace("|", "/")]
        cases.assert_close(found, expected, case["name"], name, tolerance)


@pytest.mark.parametrize("config", (cases.document(SYSTEM) or {}).get("configs", {}))
def test_a_checkpoint_s_variables_are_ours_in_its_order(config):
    manifest = cases.manifest(SYSTEM, f"{config}.inference.manifest.json")
    state = {name: np.zeros(shape, np.float32) for name, shape in manifest.items()}
    fields = interop.architecture(state)
    sizes = fields["architecture"]
    network = nn_vdir.VDIR(vdir_restorer.Restorer(**sizes), fields["width"], fields["latent"])
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))["params"]
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    written = interop.write(zeros, interop.network(sizes["blocks"], sizes["layers"]))
    assert {name: list(value.shape) for name, value in written.items()} == manifest
    assert list(written) == list(manifest)
    assert jax.tree.map(np.shape, interop.read(state, interop.network(
        sizes["blocks"], sizes["layers"]))) == jax.tree.map(lambda leaf: leaf.shape, shapes)

"""Every kept case of SeNM-VAE, against the original implementation's outputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.interop import senm_vae as interop
from senm_jax.interop import torch_layout
from senm_jax.methods import base, critics, objectives, senm_vae, senm_vae_terms
from senm_jax.nn import discriminators, level_predictor
from senm_jax.nn import senm_vae as nn_semi
from senm_jax.nn import senm_vae_paired as nn_paired
from senm_jax.training import platform

SYSTEM = "senm_vae"


def _states(case):
    """The checkpoints of a case, its normalisations' counters set to 0."""
    manifests, weights = case["manifest"], case["weights"]
    if isinstance(manifests, str):
        manifests, weights = [manifests], [weights]
    states = []
    for file, weight in zip(manifests, weights, strict=True):
        state = cases.recipe().state_dict(
            cases.FOLDER / SYSTEM / file, weight["seed"], weight["gain"]
        )
        counters = {n: np.zeros((), np.int64) for n in state if n.endswith(torch_layout.COUNTER)}
        states.append(state | counters)
    return states


def _inputs(case):
    """The case's images by name, NHWC."""
    recipe = cases.recipe()
    return {
        i["name"]: jnp.asarray(
            getattr(recipe, i["function"])(i["seed"], i["name"], i["shape"]).transpose(0, 2, 3, 1)
        )
        for i in case["inputs"]
    }


def _constant(eps):
    return lambda name, shape: jnp.full(shape, eps, jnp.float32)


def _compiled(network, variables, method):
    """A method of the network as a function of its arrays and of what every draw is."""
    run = platform.jit(lambda variables, arrays, eps: network.apply(
        variables, *arrays, _constant(eps), method=method
    ))
    return lambda *arrays, eps: run(variables, arrays, eps)


def _nchw(image):
    return np.asarray(image).transpose(0, 3, 1, 2)


def _semi(case, state):
    fields = interop.architecture(state)
    variables = torch_layout.read(state, interop.generator(**fields))
    return nn_semi.SeNMVAE(**fields), {"params": variables["params"]}


def _eps(output):
    return int(output.rsplit("eps", 1)[1])


def _temperature(output):
    return float(output.split("_temp")[1].split("_")[0]) if "_temp" in output else 1.0


def _run_semi(case):
    [state] = _states(case)
    network, variables = _semi(case, state)
    x, y = (_inputs(case)[name] for name in ("img_H", "img_L"))
    labels = np.array(case["labels"])
    modes = [
        np.where(labels == -1, case[f"mixture_mode_{letter}"], labels == 0) for letter in "HL"
    ]
    levels = jnp.array(case["degrade_level"], jnp.float32)
    none = x[:0]
    reconstruct, denoise, translate = (
        _compiled(network, variables, name) for name in ("reconstruct", "denoise", "translate")
    )
    outputs = {}
    for eps in sorted({_eps(name) for name in case["outputs"]}):
        # Every row as a pair whose content comes from the side its label says.
        coins = jnp.asarray(np.concatenate(modes).astype(bool))
        rec = reconstruct((none, x), (y, none), levels, coins, eps=eps)
        klz, kln = np.asarray(rec.kl_z), np.asarray(rec.kl_zn)
        named = {
            "dec_H": _nchw(rec.x),
            "dec_L": _nchw(rec.y),
            "klz_H": klz[0],
            "klz_L": klz[1],
            "kln": kln,
            "klz_mean": klz.sum(0)[labels == -1].mean(keepdims=True),
            "kln_mean": kln[labels != 0].mean(keepdims=True),
            "denoise": _nchw(denoise(y, eps=eps)),
        }
        outputs |= {f"{name}_eps{eps}": value for name, value in named.items()}
    for name in case["outputs"]:
        if name.startswith("translate"):
            level = case["translate_levels"][int(name[len("translate") :].split("_")[0])]
            rows = jnp.ones(x.shape[0])
            outputs[name] = _nchw(
                translate(x, level * rows, _temperature(name) * rows, eps=_eps(name))
            )
    return outputs


def _run_paired(case):
    [state] = _states(case)
    fields = interop.architecture_paired(state)
    network = nn_paired.SeNMVAEPaired(**fields)
    params = torch_layout.read(state, interop.generator_paired(**fields))["params"]
    noisy, clean = (_inputs(case)[name] for name in ("noisy", "clean"))
    rows = jnp.ones(clean.shape[0])

    @platform.jit
    @functools.partial(jax.value_and_grad, has_aux=True)
    def objective(params, eps):
        rec, kl = network.apply(
            {"params": params},
            clean,
            noisy,
            objectives.std(noisy - clean),
            _constant(eps),
            method="reconstruct",
        )
        kl = jnp.sum(kl) / clean.size
        return jnp.mean(jnp.square(rec - noisy)) + case["kl_weight"] * kl, (rec, kl)

    generate = _compiled(network, {"params": params}, "translate")
    outputs = {}
    for name in case["outputs"]:
        eps = _eps(name)
        if name.startswith("generate"):
            level = case["generate_levels"][int(name[len("generate") :].split("_")[0])]
            outputs[name] = _nchw(generate(clean, level * rows, _temperature(name) * rows, eps=eps))
        else:
            (value, (rec, kl)), grads = objective(params, eps)
            norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in jax.tree.leaves(grads)))
            outputs |= {
                f"dec_eps{eps}": _nchw(rec),
                f"kl_eps{eps}": np.asarray(kl)[None],
                f"mse_plus_kl_eps{eps}": np.asarray(value)[None],
                f"grad_norm_eps{eps}": np.asarray(norm)[None],
            }
    return outputs


def _run_discriminator(case):
    [state] = _states(case)
    config = case["config"]
    table = interop.discriminator(config["n_layers"])
    variables = torch_layout.read(state, table)
    network = discriminators.PatchDiscriminator(config["ndf"], config["n_layers"])
    image = _inputs(case)["img"]
    evaluated = network.apply(variables, image, train=False)
    trained, updated = network.apply(variables, image, train=True, mutable=["statistics"])
    after = torch_layout.write({**variables, **updated}, table)
    return {
        "logits_eval": _nchw(evaluated),
        "logits_train": _nchw(trained),
        **{f"after.{name}": value for name, value in after.items()},
    }


def _run_level_predictor(case):
    [state] = _states(case)
    variables = torch_layout.read(state, interop.level_predictor())
    level = level_predictor.LevelPredictor().apply(
        {"params": variables["params"]}, _inputs(case)["img"]
    )
    return {"level": np.asarray(level)[:, None, None, None]}


def _norm(tree):
    return np.sqrt(sum(np.sum(np.square(np.float64(leaf))) for leaf in jax.tree.leaves(tree)))


def _run_objective(case):
    generator, discriminator, predictor = _states(case)
    network, variables = _semi(case, generator)
    judge_fields = case["config"]["discriminator"]
    depth = judge_fields.get("n_layers", 3)
    judge = critics.adversary(discriminators.PatchDiscriminator(judge_fields["ndf"], depth))
    judge_variables = torch_layout.read(discriminator, interop.discriminator(depth))
    params = {
        "translator": variables["params"],
        "level_predictor": torch_layout.read(predictor, interop.level_predictor())["params"],
    }
    constants = case["constants"]
    weights = senm_vae.weights(
        senm_vae.Config(
            kl_weight=constants["KL_weight"],
            kl_z_ratio=constants["KLZ_weight"],
            kl_anneal_steps=int(constants["KL_anneal_maxiter"]),
            gan_weight=constants["D_lossfn_weight"],
        ),
        case["step"],
    )
    x, y = (_inputs(case)[name] for name in ("img_H", "img_L"))
    outputs = {}
    for number, labels in enumerate(case["labels"]):
        labels = np.array(labels)
        pair, source, target = labels == -1, labels == 0, labels == 1
        coins = np.concatenate([np.array(case[f"mixture_mode_{c}"])[pair] for c in "HL"])
        coins = jnp.asarray(coins.astype(bool))
        rows = senm_vae_terms.Rows((x[source], x[pair]), (y[pair], y[target]), 1)

        def objective(params):
            parts, real, fake = senm_vae_terms.terms(
                network,
                level_predictor.LevelPredictor(),
                params,
                rows,
                coins,
                _constant(case["eps"]),
            )
            parts["gan"] = judge.generator_loss(judge_variables, real, fake)
            return objectives.total(parts, weights), (parts, real, fake)

        (value, (parts, real, fake)), grads = platform.jit(
            jax.value_and_grad(objective, has_aux=True)
        )(params)
        context = base.Context(
            {"discriminator": judge_variables}, {}, None, None, {"real": real, "fake": fake}
        )
        (judged, _), judge_grads = platform.jit(
            jax.value_and_grad(judge.discriminator_loss, has_aux=True)
        )(judge_variables["params"], context)
        named = {
            "rec_H": parts["rec_x"],
            "rec_L": parts["rec_y"],
            "kln_unweighted": parts["kl_zn"],
            "klz_unweighted": parts.get("kl_z"),
            "nl": parts.get("level"),
            "gan_weighted": weights["gan"] * parts["gan"],
            "total_without_lpips": value,
            "grad_norm_generator": _norm(grads["translator"]),
            "grad_norm_level_predictor": _norm(grads["level_predictor"]),
            "discriminator_loss": judged,
            "grad_norm_discriminator": _norm(judge_grads),
        }
        outputs |= {
            f"labels{number}.{k}": np.asarray(v)[None] for k, v in named.items() if v is not None
        }
        table = interop.generator(**interop.architecture(generator))
        written = torch_layout.write({"params": grads["translator"]}, table)
        outputs |= {f"labels{number}.grad.{name}": value for name, value in written.items()}
    return outputs


RUNS = {
    "SeNMVAE semi-supervised": _run_semi,
    "SeNMVAE fully paired": _run_paired,
    "SeNM-VAE discriminator": _run_discriminator,
    "SeNM-VAE level predictor": _run_level_predictor,
    "SeNM-VAE semi-supervised objective without the LPIPS term": _run_objective,
}


@pytest.mark.parametrize("case", cases.cases(SYSTEM))
def test_case(case):
    with jax.default_matmul_precision("highest"):
        outputs = RUNS[case["network"]](case)
    expected = cases.load(SYSTEM, case["file"])
    for name in case["outputs"]:
        tolerance = 1e-4 if "grad" in name else 1e-5
        cases.assert_close(outputs[name], expected[name], case["name"], name, tolerance)

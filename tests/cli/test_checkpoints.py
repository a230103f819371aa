"""``senm-jax import-checkpoint`` and ``export-checkpoint``: nothing is lost either way."""

import dataclasses
import functools
import json
import pickle
import re
import zipfile

import jax
import numpy as np
import pytest
from inference import small
from PIL import Image

from senm_jax import methods
from senm_jax.cli import main
from senm_jax.interop import checkpoints, systems, tensor_files
from senm_jax.methods import esrgan, lud_vae, naflow, senm_vae, senm_vae_paired, supervised, vdir
from senm_jax.training import platform, runs

SENM = {"width": 4, "growth": 2, "levels": (1,)}
CONFIGS = {
    "senm-vae": senm_vae.Config(
        **SENM, degradation_channels=2, predictor_width=4, discriminator_width=4),
    "senm-vae-paired": senm_vae_paired.Config(**SENM, discriminator_width=4),
    "lud-vae": lud_vae.Config(width=4, layers=2),
    "naflow": naflow.Config(
        configurations=("S6_00100", "GP_03200"), levels=2, transitions=1, blocks=1, width=8,
        hidden=3),
    "dncnn": supervised.Config(architecture={"depth": 4, "width": 6}),
    "vdir": vdir.Config(
        architecture={"width": 6, "blocks": 1, "layers": 2, "scale": 1}, width=4, latent=2,
        gan_weight=0.0),
    "ffdnet": supervised.Config("ffdnet", {"depth": 3, "width": 6}),
    "drunet": supervised.Config("drunet", {"widths": (4, 6), "blocks": 1, "bias": True}),
    "nafnet": supervised.Config(
        "nafnet", {"width": 4, "encoder": (1, 2), "middle": 1, "decoder": (2, 1)}),
    "rrdbnet": supervised.Config("rrdbnet", {"width": 4, "growth": 2, "blocks": 2}),
    "esrgan": esrgan.Config(
        width=4, growth=2, blocks=1, discriminator_width=2, discriminator_hidden=3,
        discriminator_side=32),
}
"""Sizes other than the defaults; every row of the table has one."""
ENDINGS = (".pth", ".safetensors", ".npz")


@pytest.fixture(autouse=True)
def _jax_as_the_tests_have_it(monkeypatch):
    monkeypatch.setattr(platform, "start", lambda **_: None)


def _method(system):
    return methods.load(systems.find(system).method).make(CONFIGS[system])


@functools.cache
def _states(system):
    """An official state dict of each of the system's networks, every value drawn anew."""
    method, rng = _method(system), np.random.default_rng(0)
    image = np.zeros((1, 64, 64, 3), np.uint8)
    pair = {"clean": image, "noisy": image, "configuration": np.zeros(1, np.int32)}
    shapes = jax.eval_shape(lambda: method.init(jax.random.key(0), {"paired": pair}))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    hyper = vars(CONFIGS[system])
    return {part: {name: _drawn(rng, name, value) for name, value in
                   row.write(row.get(zeros), hyper).items()}
            for part, row in systems.find(system).parts.items()}


def _drawn(rng, name, value):
    if name.endswith("num_batches_tracked"):
        return np.array(40_000, np.int64)
    if name.endswith("invconv.p"):
        return np.eye(len(value), dtype=np.float32)[rng.permutation(len(value))]
    if name.endswith("invconv.sign_s"):
        return rng.choice(np.array([-1, 1], np.float32), value.shape)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
    drawn = np.asarray(0.1 * rng.standard_normal(value.shape), np.float32)
    drawn[rng.random(drawn.shape) < 0.05] = -0.0
    return drawn


def _import(system, states, folder, *more):
    """Writes the state dicts and imports them; the exit status."""
    main_part, *parts = states
    for part, state in states.items():
        tensor_files.write(folder / f"{part}.pth", state)
    words = [word for part in parts for word in ("--part", f"{part}={folder / part}.pth")]
    return main.main(["import-checkpoint", "--system", system, str(folder / f"{main_part}.pth"),
                      *words, "--out", str(folder / "run"), *more])


def _assert_same(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape), name
        assert found[name].tobytes() == value.tobytes(), name


def test_every_system_has_a_case():
    assert set(CONFIGS) == set(systems.SYSTEMS)


@pytest.mark.parametrize("system", CONFIGS)
def test_what_is_imported_is_exported_byte_for_byte(system, tmp_path):
    states = _states(system)
    assert _import(system, states, tmp_path) == 0
    for part, state in states.items():
        for ending in ENDINGS if part == next(iter(states)) else ENDINGS[:1]:
            out = tmp_path / "made" / f"{part}{ending}"
            command = ["export-checkpoint", "--run", str(tmp_path / "run"), "--out", str(out)]
            assert main.main([*command, "--part", part]) == 0
            _assert_same(tensor_files.read(out).state, state)
    run = runs.open(tmp_path / "run")
    for name, value in vars(CONFIGS[system]).items():
        if name != "architecture":
            assert run.config.hyper[name] == value, name


@pytest.mark.parametrize("system, words", [
    ("senm-vae", ["--level", "0.1"]), ("senm-vae-paired", ["--level", "0.1"]), ("lud-vae", []),
    ("naflow", ["--configuration", "GP_03200"]), ("dncnn", None), ("vdir", None),
    ("nafnet", None), ("esrgan", None),
])
def test_a_run_of_the_first_network_alone_is_inspected_and_applied(
    system, words, tmp_path, capsys
):
    states = _states(system)
    assert _import(system, dict(list(states.items())[:1]), tmp_path) == 0
    assert ("no file of level-predictor: it has fresh values" in capsys.readouterr().err) \
        == (system == "senm-vae")
    run, photos = str(tmp_path / "run"), tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.full((16, 16, 3), 80, np.uint8)).save(photos / "a.png")
    assert main.main(["inspect", run]) == 0
    out = ["--out", str(tmp_path / "out")]
    if words is None:
        assert main.main(["restore", "--run", run, str(photos), *out]) == 0
    else:
        assert main.main(["synthesize", "--run", run, "--clean", str(photos), "--as", "images",
                          *words, *out]) == 0
    assert [path.suffix for path in (tmp_path / "out").rglob("a*.png")] == [".png"]


@pytest.mark.parametrize("spelt, names", [
    ("BasicSR", {"RRDB_trunk.": "body.", ".RDB": ".rdb", "trunk_conv.": "conv_body.",
                 "upconv": "conv_up", "HRconv": "conv_hr"}),
    ("KAIR", {"RRDB_trunk.": "model.1.sub.", "trunk_conv.": "model.1.sub.2.",
              "conv_first": "model.0", "upconv1": "model.3", "upconv2": "model.6",
              "HRconv": "model.8", "conv_last": "model.10"}),
])
def test_other_releases_names_of_an_rrdbnet_are_known_and_kept(spelt, names, tmp_path):
    def spell(name):
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        inner = spelt == "KAIR" and ".conv" in name and ".conv5" not in name
        return re.sub(r"(conv\d)\.", r"\1.0.", name) if inner else name

    state = {spell(n): value for n, value in _states("rrdbnet")["restorer"].items()}
    tensor_files.write(tmp_path / "a.pth", {f"module.{n}": v for n, v in state.items()})
    run = checkpoints.load("rrdbnet", {"restorer": tmp_path / "a.pth"}, tmp_path / "run").run
    checkpoints.save(run, tmp_path / "b.pth")
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()


def test_a_discriminator_in_kair_s_form_is_known(tmp_path):
    config = dataclasses.replace(CONFIGS["esrgan"], discriminator_kair=True)
    variables = jax.tree.map(np.asarray, esrgan.make(config).init(
        jax.random.key(0), {"paired": {"noisy": np.zeros((1, 8, 8, 3), np.uint8)}}))
    row = systems.find("esrgan").parts["discriminator"]
    state = row.write(row.get(variables), vars(config))
    assert "features.25.weight" in state and "classifier.2.bias" in state
    generator = _states("esrgan")["generator"]
    paths = {"generator": tmp_path / "g.pth", "discriminator": tmp_path / "d.pth"}
    for part, entries in (("generator", generator), ("discriminator", state)):
        tensor_files.write(paths[part], entries)
    run = checkpoints.load("esrgan", paths, tmp_path / "run").run
    assert run.config.hyper["discriminator_kair"]
    checkpoints.save(run, tmp_path / "again.pth", "discriminator")
    assert (tmp_path / "again.pth").read_bytes() == paths["discriminator"].read_bytes()


def test_wrappers_and_prefixes_come_off_and_are_put_back(tmp_path):
    state = _states("dncnn")["restorer"]
    wrapped = {f"module.{name}": value for name, value in state.items()
               if not name.endswith("num_batches_tracked")}
    tensor_files.write(tmp_path / "a.pth", wrapped, "params")
    checkpoints.load("dncnn", {"restorer": tmp_path / "a.pth"}, tmp_path / "run")
    checkpoints.save(runs.open(tmp_path / "run"), tmp_path / "b.pth")
    found, wrapper = tensor_files.read(tmp_path / "b.pth")
    _assert_same(found, wrapped)
    assert wrapper == "params"


def test_a_run_from_elsewhere_is_written_as_published(tmp_path):
    state = _states("naflow")["flow"]
    np.savez(tmp_path / "a.npz", **state)
    checkpoints.load("naflow", {"flow": tmp_path / "a.npz"}, tmp_path / "run")
    (tmp_path / "run" / "imported" / "flow.safetensors").unlink()
    assert checkpoints.save(runs.open(tmp_path / "run"), tmp_path / "b.ckpt") == len(state)
    found, wrapper = tensor_files.read(tmp_path / "b.ckpt")
    assert list(found) == [f"model.{name}" for name in state] and wrapper == "state_dict"


def test_what_was_trained_since_is_written_and_the_rest_as_it_was(tmp_path):
    state = _states("naflow")["flow"]
    tensor_files.write(tmp_path / "a.pth", state)
    run = checkpoints.load("naflow", {"flow": tmp_path / "a.pth"}, tmp_path / "run").run
    trained = {**run.variables["flow"], "params": jax.tree.map(
        lambda leaf: leaf + np.float32(1), run.variables["flow"]["params"])}
    run = dataclasses.replace(run, variables={"flow": trained})
    checkpoints.save(run, tmp_path / "b.pth")
    found = tensor_files.read(tmp_path / "b.pth").state
    for name, value in state.items():
        acts = np.ones(value.shape, bool)
        if name.endswith("invconv.l"):
            acts = np.tri(len(value), k=-1, dtype=bool)
        elif name.endswith("invconv.u"):
            acts = ~np.tri(len(value), dtype=bool)
        elif name == "I" or name.startswith("flowUpsamplerNet.f.") or name.endswith((".p", "_s")) \
                and not name.endswith("log_s"):
            acts = ~acts
        np.testing.assert_array_equal(found[name], np.where(acts, value + np.float32(1), value))


def test_halves_are_kept_as_halves_where_they_hold_the_values(tmp_path):
    state = {name: value.astype(np.float16) if value.ndim == 4 else value
             for name, value in _states("lud-vae")["generator"].items()}
    tensor_files.write(tmp_path / "a.safetensors", state)
    run = checkpoints.load("lud-vae", {"generator": tmp_path / "a.safetensors"}, tmp_path / "run")
    assert {leaf.dtype.name for leaf in jax.tree.leaves(run.run.variables)} == {"float32"}
    checkpoints.save(run.run, tmp_path / "b.safetensors")
    _assert_same(tensor_files.read(tmp_path / "b.safetensors").state, state)


def test_a_config_says_what_the_file_does_not(tmp_path):
    config = ["--config", "configs/lud_vae/sidd.py", "--config.hyper.kl_weight=0.5"]
    assert _import("lud-vae", _states("lud-vae"), tmp_path, *config) == 0
    run = runs.open(tmp_path / "run")
    assert run.config.hyper["width"] == 4 and run.config.hyper["kl_weight"] == 0.5
    assert run.config.hyper["sample_noise_255"] == (30.0, 70.0) and run.config.steps == 200_000


def test_a_discriminator_that_the_config_has_not_is_refused(tmp_path, capsys):
    config = ["--config", "configs/quickstart/senm_vae.py", "--config.hyper.level_unit=0.0"]
    assert _import("senm-vae", _states("senm-vae"), tmp_path, *config) == 1
    assert "the config asks for no discriminator" in capsys.readouterr().err


@pytest.mark.parametrize("change, match", [
    (lambda s: s | {"enc_1.net.0.wieght": s.pop("enc_1.net.0.weight")},
     r"missing entries: enc_1.net.0.weight \(nearest there: enc_1.net.0.wieght\); "
     r"unknown entries: enc_1.net.0.wieght \(nearest known: enc_1.net.0.weight\)"),
    (lambda s: {n: v for n, v in s.items() if n != "outconv.bias"},
     "missing entries: outconv.bias"),
    (lambda s: s | {"outconv.scale": np.zeros(3, np.float32)}, "unknown entries: outconv.scale"),
    (lambda s: s | {"outconv.bias": np.zeros((4, 1), np.float32)},
     r"entries of another shape: outconv.bias expected \(3,\), got \(4, 1\)"),
    (lambda s: s | {"outconv.bias": np.zeros(3, np.int64)},
     "outconv.bias: expected numbers that float32 holds, got int64"),
    (lambda s: s | {"outconv.bias": np.full(3, 0.1)},
     "outconv.bias: expected numbers that float32 holds, got float64"),
    (lambda s: s | {"inconv_m.weight": s.pop("inconv_n.weight")},
     r"has an entry 'inconv_n.weight' \(nearest there: inconv_m.weight\)"),
])
def test_what_does_not_fit_is_named_with_the_nearest(change, match, tmp_path):
    tensor_files.write(tmp_path / "a.pth", change(dict(_states("lud-vae")["generator"])))
    with pytest.raises(ValueError, match=match):
        checkpoints.load("lud-vae", {"generator": tmp_path / "a.pth"}, tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_refusals_name_the_file_the_system_and_the_part(tmp_path, capsys):
    states = _states("dncnn")
    assert _import("nafflow", states, tmp_path) == 1
    assert "--system: expected one of senm-vae, senm-vae-paired" in capsys.readouterr().err
    assert _import("lud-vae", states, tmp_path) == 1
    assert "it looks like a discriminator of senm-vae or" in capsys.readouterr().err
    assert _import("dncnn", states, tmp_path, "--part", "x") == 1
    assert "--part: expected NAME=FILE, got x" in capsys.readouterr().err
    assert _import("dncnn", states, tmp_path, "--part", "x=y") == 1
    assert "expected a file of restorer" in capsys.readouterr().err
    assert _import("dncnn", states, tmp_path, "--config.seed=1") == 1
    assert "name the config that it changes" in capsys.readouterr().err
    assert _import("dncnn", states, tmp_path, "--config", "configs/lud_vae/sidd.py") == 1
    assert "expected the method supervised, got lud_vae" in capsys.readouterr().err
    assert _import("dncnn", states, tmp_path) == 0
    assert _import("dncnn", states, tmp_path) == 1
    assert "holds a run; choose another" in capsys.readouterr().err
    export = ["export-checkpoint", "--run", str(tmp_path / "run"), "--out"]
    assert main.main([*export, str(tmp_path / "a.txt")]) == 1
    assert "expected a file that ends in .pth" in capsys.readouterr().err
    assert main.main([*export, str(tmp_path / "a.pth"), "--part", "flow"]) == 1
    assert "--part: this run has restorer, got 'flow'" in capsys.readouterr().err


def test_a_run_whose_config_leaves_sizes_to_the_defaults_is_exported(tmp_path):
    hyper = {"architecture": {"depth": 4, "width": 6}}
    run = small.create(tmp_path / "run", "supervised", hyper, ("restorer",))
    assert checkpoints.save(run, tmp_path / "a.pth") == 18
    assert len(tensor_files.read(tmp_path / "a.pth").state) == 18


def test_senm_vae_in_the_level_s_unit_has_no_published_form(tmp_path):
    hyper = {**SENM, "level_unit": 0.02, "gan_weight": 0.0}
    run = small.create(tmp_path / "run", "senm_vae", hyper, ("generator",))
    with pytest.raises(ValueError, match="senm_vae with level_unit=0.02 has no published form"):
        checkpoints.save(run, tmp_path / "a.pth")
    assert not (tmp_path / "a.pth").exists()
    tensor_files.write(tmp_path / "a.pth", _states("senm-vae")["generator"])
    with pytest.raises(ValueError, match="--config: hyper.level_unit: expected 0.0, .* got 0.02"):
        checkpoints.load("senm-vae", {"generator": tmp_path / "a.pth"}, tmp_path / "b", run.config)


@pytest.mark.parametrize("content, match", [
    (b"", "begins with b''"), (b"hello, world", "begins with b'hello, w'"),
    (pickle.dumps({"a": print}, 2), "names __builtin__.print"),
    (b"PK\x03\x04", "damaged"),
    (json.dumps({"a": 1}).encode(), "expected a file of torch.save"),
])
def test_other_files_are_refused(content, match, tmp_path):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        tensor_files.read(tmp_path / "a.pth")


def test_files_without_named_tensors_are_refused(tmp_path):
    for tree, match in (([1], "got a list"), ({"epoch": 3}, r"got \['epoch'\]"),
                        ({}, "an empty one")):
        with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
            archive.writestr("x/data.pkl", pickle.dumps(tree, 2))
        with pytest.raises(ValueError, match=match):
            tensor_files.read(tmp_path / "a.pth")

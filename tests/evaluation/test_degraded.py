"""Known degradations of whole photographs: doing nothing, and restoring."""

import json
import os
import pathlib

import jax
import numpy as np
import pytest
import skimage.metrics
from inference import small
from PIL import Image

from senm_jax.cli import main
from senm_jax.data import degrading
from senm_jax.degradations import parameters
from senm_jax.evaluation import degraded, degraded_section
from senm_jax.inference import apply
from senm_jax.methods import base
from senm_jax.training import platform, runs

DATA = pathlib.Path(os.environ.get("SENM_DATA", "none"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photographs of odd sizes."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for name, shape in (("a.png", (5, 6, 3)), ("b.png", (4, 5, 3))):
        coarse = np.kron(random.integers(40, 200, shape), np.ones((8, 8, 1)))
        Image.fromarray(coarse[:-1].astype(np.uint8)).save(folder / name)
    return folder


def photographs(folder, spec, **options):
    return degraded.photographs(folder, degrading.Degrader(parameters.parse(spec)), **options)


@pytest.mark.parametrize(("spec", "expected_psnr", "expected_ssim"), [
    ("blur,scale=2,widths=2", 28.73, 0.8449),
    ("blur,scale=2,widths=4:1,angle=-0.5", 28.15, 0.8265),
    ("blur,scale=4,widths=2", 24.74, 0.7322),
])
@pytest.mark.skipif(not (DATA / "set5").is_dir(), reason="SENM_DATA names no folder with set5")
def test_the_bicubic_rows_of_vdir_s_tables_iv_and_v_on_set5(spec, expected_psnr, expected_ssim):
    result = degraded.untouched(photographs(DATA / "set5", spec))
    assert len(result.each) == 5 and result.name == "bicubic"
    assert round(result.figures["psnr_y"], 2) == expected_psnr
    assert round(result.figures["ssim_y"], 4) == expected_ssim


def test_noise_of_vdir_s_test_script_is_as_strong_as_it_says_on_every_photograph(folder):
    of = photographs(folder, "awgn_fixed,sigma_255=10")
    made = {name: of.degraded(name) for name in of.files}
    noise = {name: (each.noisy - each.clean)[:31, :40] for name, each in made.items()}
    expected = np.random.RandomState(0).randn(1, 31, 40, 3)[0] * 10 / 255
    np.testing.assert_allclose(noise["b.png"], expected, atol=1e-6)
    figures = degraded.untouched(of).figures
    np.testing.assert_allclose(figures["psnr_rgb"], 20 * np.log10(255 / 10), atol=0.15)


def test_the_luma_of_a_jpeg_is_measured_as_it_is(folder):
    result = degraded.untouched(photographs(folder, "jpeg,quality=10,luma=true"))
    assert set(result.figures) == {"psnr_y", "ssim_y"} and result.name == "degraded"
    image = np.asarray(Image.open(folder / "a.png")).astype(np.float64)
    y = np.rint(16 + image @ [65.481, 128.553, 24.966] / 255).astype(np.uint8)
    Image.fromarray(y).save(folder / "a.jpg", quality=10)
    again = np.asarray(Image.open(folder / "a.jpg"))
    (folder / "a.jpg").unlink()
    psnr = skimage.metrics.peak_signal_noise_ratio(y, again)
    np.testing.assert_allclose(result.each["a.png"]["psnr_y"], psnr)


class Run:
    """A run that gives each pixel ``scale`` x ``scale`` times."""

    path, step, variables, config = pathlib.Path("run"), 3, {}, None

    def __init__(self, scale):
        self.method = base.Method(
            (), None, None, restore_reach=base.Reach(1, 0, scale),
            restore=lambda variables, noisy, key, origin: noisy.repeat(scale, 1).repeat(scale, 2))


@pytest.fixture
def plain_precision(monkeypatch):
    monkeypatch.setattr(degraded.stream, "precision", lambda run: jax.default_device(None))


@pytest.mark.usefixtures("plain_precision")
def test_a_run_that_does_nothing_equals_doing_nothing(folder):
    of = photographs(folder, "awgn,sigma_255=5:70", seed=2)
    nothing, run = degraded.untouched(of), degraded.restored(Run(1), of, name="identity")
    assert run.each == nothing.each and run.about == {"run": "run", "step": 3}
    assert run.figures["psnr_rgb"] == np.mean([one["psnr_rgb"] for one in run.each.values()])
    for name, image in nothing.shown.items():
        np.testing.assert_array_equal(run.shown[name], image)


@pytest.mark.usefixtures("plain_precision")
def test_a_run_that_enlarges_is_measured_on_cut_photographs(folder):
    of = photographs(folder, "bicubic,scale=2")
    run = degraded.restored(Run(2), of, name="repeat")
    clean = np.asarray(Image.open(folder / "a.png"))[:38, :48]
    made = of.degraded("a.png")
    np.testing.assert_allclose(made.clean * 255, clean, atol=1e-4)
    low = np.rint(np.clip(made.noisy, 0, 1) * 255).repeat(2, 0).repeat(2, 1).astype(np.uint8)
    psnr = skimage.metrics.peak_signal_noise_ratio(clean[2:-2, 2:-2], low[2:-2, 2:-2])
    np.testing.assert_allclose(run.each["a.png"]["psnr_rgb"], psnr)
    with pytest.raises(ValueError, match=r"run: expected images 2 times as large .* \(19, 24\)"):
        degraded.restored(Run(1), of, name="identity")


def test_a_restorer_is_told_the_level_of_noise_of_one_strength(folder, tmp_path, monkeypatch):
    run, told, at_level = small.ffdnet(tmp_path / "run"), [], runs.at_level
    with monkeypatch.context() as patch:
        patch.setattr(runs, "at_level", lambda run, level: told.append(level)
                      or at_level(run, level))
        for sigma in (10, 30):
            of = photographs(folder, f"awgn_fixed,sigma_255={sigma}", limit=1)
            degraded.restored(run, of, name="ffdnet")
    assert told == [10 / 255, 30 / 255]
    image = np.random.default_rng(0).random((9, 8, 3), np.float32)
    weak, strong = (apply.restore(runs.at_level(run, level), image, key=jax.random.key(0))
                    for level in (0.1, 0.4))
    assert np.abs(weak - strong).max() > 1e-4
    with pytest.raises(ValueError, match="config.hyper.level: expected the standard deviation"):
        degraded.restored(run, photographs(folder, "awgn,sigma_255=5:70"), name="ffdnet")
    with pytest.raises(ValueError, match=r"level: expected a standard deviation in \(0, 1\]"):
        runs.at_level(run, 30.0)
    with pytest.raises(ValueError, match="blind: its restorer is not told the noise's level"):
        runs.at_level(small.dncnn(tmp_path / "blind"), 0.2)


def test_a_photograph_that_cannot_be_used_is_named(folder, tmp_path):
    Image.fromarray(np.zeros((9, 30, 3), np.uint8)).save(tmp_path / "thin.png")
    with pytest.raises(ValueError, match="thin.png: SSIM: expected sides of at least 11"):
        degraded.untouched(photographs(tmp_path, "awgn"))
    with pytest.raises(ValueError, match="limit: expected at least 1, got 0"):
        photographs(folder, "awgn", limit=0)
    with pytest.raises(ValueError, match="found no image"):
        (tmp_path / "thin.png").unlink()
        photographs(tmp_path, "awgn")


def test_the_section_has_a_row_for_each_way(folder):
    of = photographs(folder, "jpeg,quality=10", limit=1)
    section = degraded_section.of_degraded(of, [degraded.untouched(of)])
    assert section.title == "jpeg,quality=10,luma=false"
    assert section.tables[0].title == "jpeg,quality=10,luma=false: 1 photographs"
    assert [row["name"] for row in section.tables[0].rows] == ["degraded"]


def test_the_command_writes_a_table_for_each_degradation(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(platform, "start", lambda **_: None)
    run = small.dncnn(tmp_path / "run").path
    words = ["evaluate", "degraded", "--clean", folder, "--degrade", "awgn_fixed,sigma_255=10",
             "--degrade", "jpeg,quality=10", "--run", run, "--out", tmp_path / "out"]
    assert main.main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    assert "awgn_fixed,sigma_255=10.0: 2 photographs" in said and "jpeg,quality=10" in said
    assert said.count("| degraded |") == 2 and said.count("| run |") == 2
    sections = json.loads((tmp_path / "out" / "report.json").read_text())["sections"]
    assert len(sections) == 2

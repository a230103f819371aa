"""Every stored value of ``metrics/cases.json`` and of NAFlow's case of its own metrics."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from parity import cases

from senm_jax.metrics import akld, fid, kld, lpips, mmd, psnr, ssim
from senm_jax.ops import colour, resize

DOCUMENT = cases.document("metrics")
ABSENT = f"no metrics/cases.json in {cases.FOLDER}; set SENM_PARITY to the folder of parity cases"


def _skipped():
    return [pytest.param(None, None, id="absent", marks=pytest.mark.skip(reason=ABSENT))]


def _values():
    """(group, name of the value): the groups are pairs of images and ``fid_features``."""
    if DOCUMENT is None:
        return _skipped()
    return [
        pytest.param(group, name, id=f"{group}-{name}")
        for group, values in DOCUMENT["values"].items()
        for name in values
        if name != "seed"
    ]


def _resizes():
    if DOCUMENT is None:
        return _skipped()
    found = [re.fullmatch(r"(resize_(\d+)x(\d+))_by_([\d.]+)", name) for name in _stored()]
    return [pytest.param(m[1], m[0], id=m[0]) for m in found if m]


def _stored():
    return cases.load("metrics", "expected.npz")


def _noise(noisy, clean):
    return noisy / 255 - clean / 255


def _cropped_luma(image, border):
    return psnr.crop(colour.luma8(image), border)


# Pattern of a value's name: its function of (ref, dist, dist2, border).
OF_PAIRS = {
    r"psnr_rgb_border(\d+)": lambda r, d, d2, border: psnr.rgb8(d, r, border),
    r"psnr_skimage": lambda r, d, d2, border: psnr.rgb8(d, r),
    r"psnr_vdir_0_255": lambda r, d, d2, border: psnr.rgb8(d, r),
    r"psnr_y_uint8_border(\d+)": lambda r, d, d2, border: psnr.luma8(d, r, border),
    r"psnr_naflow_eps1e-8": lambda r, d, d2, border: psnr.naflow(d / 255, r / 255),
    r"psnrb_kair": lambda r, d, d2, border: psnr.blocking8(d, r),
    r"ssim_rgb_mean_border(\d+)": lambda r, d, d2, border: ssim.gaussian_2d(
        psnr.crop(d, border), psnr.crop(r, border)
    ),
    r"ssim_skimage_gaussian": lambda r, d, d2, border: ssim.gaussian_2d(d, r),
    r"ssim_naflow": lambda r, d, d2, border: ssim.gaussian_2d(d / 255, r / 255, peak=1.0),
    r"ssim_y_uint8_border(\d+)": lambda r, d, d2, border: ssim.gaussian_2d(
        _cropped_luma(d, border), _cropped_luma(r, border)
    ),
    r"ssim_skimage_default_win7": lambda r, d, d2, border: ssim.uniform(d, r),
    r"ssim_3d_matlab_like": lambda r, d, d2, border: ssim.volume_3d(d, r),
    r"kld_naflow_real_dist_fake_dist2": lambda r, d, d2, border: kld.kld_naflow(
        _noise(d, r), _noise(d2, r)
    ),
    r"kld_neca_real_dist_fake_dist2": lambda r, d, d2, border: kld.kld_neca(
        _noise(d, r), _noise(d2, r)
    ),
    r"akld_real_dist_fake_dist2": lambda r, d, d2, border: akld.akld(_noise(d, r), _noise(d2, r)),
    r"kl_senm_gray_gen_dist2_real_dist": lambda r, d, d2, border: kld.kld_senm_vae_grey(d2, d),
    r"kl_senm_allchannels_gen_dist2_real_dist": lambda r, d, d2, border: kld.kld_senm_vae_values(
        d2, d
    ),
}

OF_FEATURES = {
    r"frechet": lambda first, second, sigma, scale: fid.frechet(first, second),
    r"mmd_rbf_sigma([\d.]+)_scale([\d.]+)": lambda first, second, sigma, scale: scale
    * mmd.gaussian(first, second, [2 * sigma**2]),
}


def _function(table, name):
    """The function of the value's name, and the numbers in the name."""
    for pattern, function in table.items():
        if match := re.fullmatch(pattern, name):
            return function, match.groups()
    raise AssertionError(f"no function here computes the stored value {name!r}")


def _features(seed):
    """Both feature sets, by the numbers of the document's own note."""
    note = DOCUMENT["fid_note"]
    number, shape = r"([\d.]+)", r"\((\d+),\s*(\d+)\)"
    first = re.search(rf'feat1 = recipe.array\(seed,"feat1",{shape}\)', note).groups()
    found = re.search(rf'{number}\*recipe.array\(seed,"feat2",{shape}\)\+{number}', note)
    factor, rows, columns, shift = found.groups()
    array = cases.recipe().array
    second = np.float32(factor) * array(seed, "feat2", (int(rows), int(columns)))
    first = array(seed, "feat1", tuple(int(side) for side in first))
    return first.astype(np.float64), (second + np.float32(shift)).astype(np.float64)


@pytest.mark.parametrize(("group", "name"), _values())
def test_a_value_equals_the_stored_one(group, name):
    values = DOCUMENT["values"][group]
    if "seed" in values:
        function, numbers = _function(OF_FEATURES, name)
        sigma, scale = (float(number) for number in numbers or (0, 0))
        actual = function(*_features(values["seed"]), sigma, scale)
    else:
        function, numbers = _function(OF_PAIRS, name)
        images = (_stored()[f"{group}.{role}"] for role in ("ref", "dist", "dist2"))
        actual = function(*images, int(numbers[0]) if numbers else 0)
    cases.assert_close(actual, values[name], group, name)


@pytest.mark.parametrize(("source", "name"), _resizes())
def test_bicubic_resizing_equals_the_stored_one(source, name):
    seed = int(re.search(r"recipe\.image\((\d+)", DOCUMENT["resize_note"])[1])
    height, width, scale = re.fullmatch(r"resize_(\d+)x(\d+)_by_([\d.]+)", name).groups()
    image = cases.recipe().image(seed, source, (int(height), int(width), 3))
    resized = resize.bicubic(jnp.asarray(image), float(scale))
    cases.assert_close(resized, _stored()[name], source, name)


@pytest.mark.skipif(
    DOCUMENT is None or "lpips" not in DOCUMENT,
    reason=f"no lpips in metrics/cases.json of {cases.FOLDER}",
)
def test_lpips_equals_the_stored_one_layer_by_layer():
    case, recipe = DOCUMENT["lpips"], cases.recipe()
    manifest = cases.manifest("metrics", case["manifest"])
    entries = {
        name: recipe.weight(case["seed"], name, shape, case["gain"])
        for name, shape in manifest.items()
    }
    weights = lpips.from_entries(
        {name: np.abs(v) if name.startswith("lin") else v for name, v in entries.items()}
    )
    x, y = (
        jnp.asarray(recipe.image(case["seed"], name, shape).transpose(0, 2, 3, 1))
        for name, shape in case["inputs"].items()
    )
    stored = _stored()
    cases.assert_close(lpips.layers(weights, x, y), stored["lpips.per_layer"], "lpips", "per_layer")
    cases.assert_close(lpips.lpips(weights, x, y), stored["lpips.total"].ravel(), "lpips", "total")


NAFLOW = cases.document("naflow")


@pytest.mark.skipif(
    NAFLOW is None or "metrics_case" not in NAFLOW,
    reason=f"no metrics_case in naflow/cases.json of {cases.FOLDER}",
)
def test_naflow_values_of_an_unrounded_fake_equal_the_stored_ones():
    case, recipe = NAFLOW["metrics_case"], cases.recipe()
    shape = (1, 3, case["height"], case["width"])
    number = r"\.,([\d.]+)\)"
    real_std, fake_std = (
        float(re.search(number, case[side].replace("shape", "."))[1]) for side in ("real", "fake")
    )
    clean = np.round(recipe.image(case["seed"], "metric_clean", shape) * 255) / 255
    real = clean + recipe.array(case["seed"], "metric_real", shape, real_std)
    real = np.round(real * 255) / 255
    fake = clean + recipe.array(case["seed"], "metric_fake", shape, fake_std)
    clean, real, fake = (
        np.clip(image, 0, 1).astype(np.float32)[0].transpose(1, 2, 0)
        for image in (clean, real, fake)
    )
    stored = cases.load("naflow", case["file"])
    real_noise, fake_noise = real - clean, fake - clean
    variance = akld.local_variance(real_noise).transpose(2, 0, 1)[None]
    actual = {
        "kld": kld.kld_naflow(real_noise, fake_noise),
        "kld_swapped": kld.kld_naflow(fake_noise, real_noise),
        "kld_self": kld.kld_naflow(real_noise, real_noise),
        "akld": akld.akld(real_noise, fake_noise),
        "psnr": [psnr.naflow(real, clean)],
        "ssim": [ssim.gaussian_2d(real, clean, peak=1.0)],
        "sigma_real": variance,
    }
    for name, value in actual.items():
        cases.assert_close(value, stored[name], "metrics_case", name)

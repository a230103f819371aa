"""Noise Flow and Flow-sRGB: their sizes, their formulas, and how far they look."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.nn import camera_scaling, norm, pixel_flows

CAMERAS = ("IP", "GP", "S6", "N6", "G4")
ISOS = (100, 400, 800, 1600, 3200)
PUBLISHED = camera_scaling.CameraSettings(
    cameras=CAMERAS * len(ISOS), isos=tuple(iso for iso in ISOS for _ in CAMERAS)
)
SMALL = camera_scaling.CameraSettings(cameras=("a", "a", "b"), isos=(100, 800, 100))


def _inputs(rows=1, height=6, width=8):
    rng = np.random.default_rng(0)
    clean = jnp.asarray(rng.random((rows, height, width, 3)), jnp.float32)
    noise = jnp.asarray(rng.normal(0, 0.05, clean.shape), jnp.float32)
    return noise, camera_scaling.Given(clean, jnp.arange(rows) % 3)


def _fresh(flow, rows=1, **size):
    """Variables of a flow away from their first values, where couplings do nothing."""
    init = functools.partial(flow.init, method="forward")
    shapes = jax.eval_shape(init, jax.random.key(0), *_inputs(rows, **size))
    rng = np.random.default_rng(1)

    def leaf(path, shape):
        name = jax.tree_util.keystr(path)
        if "order" in name:
            return jnp.asarray(rng.permutation(3))
        positive = "variance" in name or "sign" in name
        value = np.ones(shape.shape) if positive else rng.normal(0, 0.3, shape.shape)
        return jnp.asarray(value, shape.dtype)

    return jax.tree_util.tree_map_with_path(leaf, shapes)


@pytest.mark.parametrize("make, steps, unused, published", [
    (pixel_flows.noise_flow, 8, 10, 2330), (pixel_flows.flow_srgb, 4, 0, 6160),
])
def test_every_parameter_of_the_release_is_accounted_for(make, steps, unused, published):
    flow = make(PUBLISHED, steps, train=False)
    init = functools.partial(flow.init, method="forward")
    params = jax.eval_shape(init, jax.random.key(0), *_inputs())["params"]
    ours = sum(leaf.size for leaf in jax.tree.leaves(params))
    factors = [leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)
               if jax.tree_util.keystr(path).endswith("['lu']")]
    # The release keeps two square factors and the diagonal apart: 2 n^2 + n for our n^2.
    masked = sum(leaf.size + len(leaf) for leaf in factors)
    assert len(factors) == 8
    assert ours + masked + unused == published


def test_the_signal_and_the_gain_layer_are_their_formulas():
    noise, given = _inputs(3)
    signal, gain = camera_scaling.SignalLayer(SMALL), camera_scaling.GainLayer(SMALL)
    variables = _fresh(signal, 3)
    params = jax.tree.map(np.asarray, variables["params"])
    rows = [(0, 0, 100), (0, 1, 800), (1, 0, 100)]  # camera, place of the ISO, ISO
    found, log_det = signal.apply(variables, noise, given, method="forward")
    for i, (camera, iso, number) in enumerate(rows):
        b1, b2 = (np.exp(params[f"beta_{k}"] * np.exp(params[f"factor_{k}"][camera]))
                  for k in (1, 2))
        own = params["gain"]["gain"][iso] * np.exp(params["gain"]["factor"][camera])
        g = np.exp(own) * number
        scale = np.sqrt(b1 * given.clean[i] / g + b2)
        np.testing.assert_allclose(found[i], noise[i] / scale, rtol=1e-5)
        np.testing.assert_allclose(log_det[i], -np.log(scale).sum(), rtol=1e-4)
        alone, _ = gain.apply(
            {"params": {"gain": params["gain"]}}, noise, given, method="forward")
        np.testing.assert_allclose(alone[i], noise[i] / g, rtol=1e-5)


def test_the_last_convolution_is_told_where_the_image_ends():
    """Equal to a valid convolution of the image with a ring of ones in a channel of its own."""
    network = pixel_flows.ShiftAndLogScale(train=False)
    x = jnp.zeros((1, 4, 5, 1))
    variables = network.init(jax.random.key(0), x, 2)
    kernel = np.random.default_rng(0).normal(size=(3, 3, 5, 4)).astype(np.float32)
    params = {**variables["params"], "bound": jnp.array(1.0)}
    params["last"] = {**params["last"], "kernel": jnp.asarray(kernel)}
    shift, log_scale = network.apply({**variables, "params": params}, x, 2)
    ring = np.pad(np.zeros((4, 5)), 1, constant_values=1)
    windows = np.lib.stride_tricks.sliding_window_view(ring, (3, 3))
    expected = np.einsum("hwij,ijo->hwo", windows, kernel[:, :, 4])
    np.testing.assert_allclose(shift[0], expected[..., :2], atol=1e-5)
    np.testing.assert_allclose(log_scale[0], np.tanh(expected[..., 2:]), atol=1e-5)


def test_the_configuration_multiplies_the_log_scale_and_not_the_shift():
    noise, given = _inputs(2)
    same = camera_scaling.Given(given.clean[:1].repeat(2, 0), given.configuration)
    coupling = pixel_flows.ConditionalCoupling(False, SMALL)
    variables = _fresh(coupling, 2)
    kept = noise[:1, ..., :1].repeat(2, 0)
    shift, log_scale = coupling.apply(variables, kept, 2, same, method="coefficients")
    np.testing.assert_allclose(shift[0], shift[1], atol=1e-6)
    ratio = log_scale[1] / log_scale[0]
    np.testing.assert_allclose(ratio, ratio[0, 0, 0], rtol=1e-4)
    assert abs(ratio[0, 0, 0] - 1) > 1e-3


def _changed(flow, variables, noise, given, moved, where):
    """How far from the middle column the noise changes with the latent or the clean image."""
    z = noise if where == "clean" else noise.at[:, 0, moved].add(1.0)
    clean = given.clean.at[:, 0, moved].add(1.0) if where == "clean" else given.clean
    results = [flow.apply(variables, *each, method="inverse")[0]
               for each in [(noise, given), (z, given._replace(clean=clean))]]
    columns = np.nonzero(np.any(np.asarray(results[0] != results[1]), (0, 1, 3)))[0]
    return np.abs(columns - moved).max()


@pytest.mark.parametrize("make, where", [
    (pixel_flows.noise_flow, "latent"), (pixel_flows.flow_srgb, "latent"),
    (pixel_flows.flow_srgb, "clean"),
])
def test_two_couplings_look_as_far_as_is_said(make, where):
    flow = make(SMALL, 2 if make is pixel_flows.noise_flow else 1, train=False)
    noise, given = _inputs(1, height=3, width=21)
    furthest = _changed(flow, _fresh(flow, height=3, width=21), noise, given, 10, where)
    assert furthest == 2 * pixel_flows.COUPLING_RADIUS


def test_training_uses_the_statistics_of_the_batch():
    noise, given = _inputs(3)
    trained, used = (pixel_flows.flow_srgb(SMALL, 1, train=train) for train in (True, False))
    variables = _fresh(used, 3)
    (_, there), updated = trained.apply(
        variables, noise, given, method="forward", mutable=["statistics"])
    assert np.abs(there - used.apply(variables, noise, given, method="forward")[1]).max() > 1e-3
    before, after = (jax.tree.leaves(tree["statistics"]) for tree in (variables, updated))
    assert sum(not np.array_equal(a, b) for a, b in zip(before, after, strict=True)) >= 8
    single = camera_scaling.Given(given.clean[:1], given.configuration[:1])
    with pytest.raises(ValueError, match="use a larger batch or crop"):
        trained.apply(variables, noise[:1], single, method="forward", mutable=["statistics"])
    assert norm.BatchNorm().momentum == 0.1

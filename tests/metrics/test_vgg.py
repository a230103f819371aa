"""VGG19's features: the layers that are there, their order, and the weights file."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.metrics import vgg


@pytest.fixture
def narrow(monkeypatch):
    """Random entries of a network with VGG19's plan and few channels."""
    monkeypatch.setattr(vgg, "_STAGES", ((2, 2), (3, 2), (3, 4), (4, 4), (5, 4)))
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)
            for name, shape in vgg.shapes().items()}


def test_the_entries_are_torchvision_s_up_to_conv5_4():
    shapes = vgg.shapes()
    indices = [int(name.split(".")[1]) for name in shapes if name.endswith("weight")]
    assert indices == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert shapes["features.34.weight"] == (512, 512, 3, 3)
    assert sum(np.prod(shape) for shape in shapes.values()) == 20_024_384


def test_features_are_a_sixteenth_wide_and_not_rectified(narrow):
    image = jax.random.uniform(jax.random.key(0), (1, 32, 48, 3))
    found = jax.jit(lambda x: vgg.features(vgg.from_entries(narrow), x))(image)
    assert found.shape == (1, 2, 3, 5) and float(found.min()) < 0 < float(found.max())


def test_a_last_layer_that_passes_nothing_gives_its_bias(narrow):
    narrow["features.34.weight"] *= 0
    found = vgg.features(vgg.from_entries(narrow), jnp.zeros((1, 16, 16, 3)))
    np.testing.assert_allclose(found[0, 0, 0], narrow["features.34.bias"], rtol=1e-6)


def test_the_distance_is_a_mean_of_absolute_differences(narrow):
    weights = vgg.from_entries(narrow)
    x, y = jax.random.uniform(jax.random.key(0), (2, 2, 16, 16, 3))
    expected = jnp.abs(vgg.features(weights, x) - vgg.features(weights, y)).mean((1, 2, 3))
    np.testing.assert_allclose(vgg.distance(weights, x, y), expected, rtol=1e-5)
    np.testing.assert_array_equal(vgg.distance(weights, x, x), 0)
    with pytest.raises(ValueError, match="at least 16 pixels, got 15x16"):
        vgg.distance(weights, x[:, :15], y[:, :15])


def test_a_file_is_read_and_faults_are_named(narrow, tmp_path):
    np.savez(tmp_path / "a.npz", **narrow, **{"classifier.0.bias": np.zeros(2)})
    read, made = vgg.load(tmp_path / "a.npz"), vgg.from_entries(narrow)
    jax.tree.map(np.testing.assert_array_equal, read, made)
    del narrow["features.5.bias"]
    np.savez(tmp_path / "b.npz", **narrow)
    with pytest.raises(ValueError, match=r"b.npz: VGG19 weights.*missing \['features.5.bias'\]"):
        vgg.load(tmp_path / "b.npz")

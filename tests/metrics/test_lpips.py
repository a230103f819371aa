import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.metrics import lpips


@pytest.fixture(scope="module")
def entries():
    generator = np.random.default_rng(0)
    found = {}
    for name, shape in lpips.shapes().items():
        values = generator.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)
        found[name] = np.abs(values) if name.startswith("lin") else values
    return found


@pytest.fixture(scope="module")
def weights(entries):
    return lpips.from_entries(entries)


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(0), (2, 2, 33, 40, 3))


def test_equal_images_are_at_no_distance_and_others_at_the_same_both_ways(weights, images):
    x, y = images
    np.testing.assert_array_equal(lpips.lpips(weights, x, x), 0)
    distance = lpips.lpips(weights, x, y)
    assert distance.shape == (2,) and np.all(distance > 0)
    np.testing.assert_allclose(lpips.lpips(weights, y, x), distance, rtol=1e-5)


def test_signed_maps_to_minus_one_to_one(weights, images):
    x, y = images
    signed = lpips.lpips(weights, x, y)
    np.testing.assert_allclose(
        lpips.lpips(weights, 2 * x - 1, 2 * y - 1, signed=False), signed, rtol=1e-5
    )
    assert np.all(np.abs(lpips.lpips(weights, x, y, signed=False) / signed - 1) > 1e-3)


def test_the_gradient_is_finite_where_an_image_is_flat_and_points_downhill(weights, images):
    def mean(x, y):
        return lpips.lpips(weights, x, y).mean()

    flat = jnp.zeros_like(images[0])
    gradient = jax.grad(mean)(flat, images[1])
    assert np.all(np.isfinite(gradient)) and np.any(gradient != 0)
    x, y = images
    value, gradient = jax.value_and_grad(mean)(x, y)
    step = 1e-3 / np.linalg.norm(gradient)
    assert mean(x - step * gradient, y) < value


def test_the_gradient_is_finite_where_all_features_are_dead(weights, images):
    dead = weights._replace(biases=tuple(b - 1e3 for b in weights.biases))
    with jax.debug_nans(True):  # a NaN on the way to 0 counts
        gradient = jax.grad(lambda x: lpips.lpips(dead, x, images[1]).sum())(images[0])
    np.testing.assert_array_equal(gradient, 0)


def test_weights_are_read_from_a_file_and_the_packages_spare_entries_are_no_matter(
    entries, weights, images, tmp_path
):
    path = tmp_path / "weights.npz"
    spare = {"scaling_layer.shift": np.zeros(3), "lins.0.model.1.weight": np.zeros(64)}
    np.savez(path, **entries, **spare)
    x, y = images
    np.testing.assert_array_equal(
        lpips.lpips(lpips.load(path), x, y), lpips.lpips(weights, x, y)
    )


def test_what_is_no_weights_file_is_refused_by_name(entries, tmp_path):
    with pytest.raises(ValueError, match="no file .*absent.npz.*write one with lpips"):
        lpips.load(tmp_path / "absent.npz")
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    with pytest.raises(ValueError, match="text.npz' is not an .npz"):
        lpips.load(text)
    path = tmp_path / "part.npz"
    np.savez(path, **{k: v for k, v in entries.items() if k != "lin3.model.1.weight"}, more=1)
    with pytest.raises(ValueError, match=r"part.npz.*missing \['lin3.*not known \['more'\]"):
        lpips.load(path)
    with pytest.raises(ValueError, match=r"lin0.model.1.weight: expected shape \(1, 64, 1, 1\)"):
        lpips.from_entries(entries | {"lin0.model.1.weight": np.zeros((1, 32, 1, 1))})


def test_images_below_31_pixels_are_refused(weights):
    with pytest.raises(ValueError, match="at least 31 pixels, got 30x64"):
        lpips.lpips(weights, jnp.zeros((1, 30, 64, 3)), jnp.zeros((1, 30, 64, 3)))

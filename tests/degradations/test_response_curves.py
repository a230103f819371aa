"""A bank of curves rises from 0 to 1, is various, and is undone by its inverse."""

import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.degradations import response_curves


def test_generated_curves_rise_strictly_from_black_to_white():
    irradiance, brightness = response_curves.generate(201)
    assert irradiance.shape == brightness.shape == (201, 1024)
    for side in (irradiance, brightness):
        np.testing.assert_array_equal(side[:, 0], 0)
        np.testing.assert_allclose(side[:, -1], 1, atol=1e-6)
        assert (np.diff(side) > 0).all()


def test_generated_curves_are_various_and_brighten_the_dark():
    _, brightness = response_curves.generate(201)
    middle = brightness[:, 512]
    assert middle.min() < 0.62 and middle.max() > 0.88
    assert np.median(brightness[:, 184]) > 0.25  # at the irradiance of a grey card, 0.18
    assert np.abs(np.diff(np.sort(middle))).max() < 0.05
    np.testing.assert_array_equal(response_curves.generate(7)[1], brightness[:7])


def test_the_inverse_undoes_the_response():
    bank = response_curves.generate(20)
    light = jnp.linspace(0, 1, 501)
    for which in range(20):
        back = response_curves.invert(response_curves.respond(light, bank, which), bank, which)
        np.testing.assert_allclose(back, light, atol=1e-3)


def test_curves_of_a_file_and_files_that_hold_none(tmp_path):
    rising = np.linspace(0, 1, 64)[None].repeat(2, 0)
    np.savez(tmp_path / "a.npz", irradiance=rising, brightness=rising**2)
    bank = response_curves.load(tmp_path / "a.npz")
    half = response_curves.respond(jnp.array([0.5]), bank, 1)
    np.testing.assert_allclose(half, 0.25, atol=1e-3)
    np.savez(tmp_path / "b.npz", irradiance=rising, brightness=rising[:, ::-1])
    with pytest.raises(ValueError, match=r"b.npz: expected brightness \[curves, samples\]"):
        response_curves.load(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_text("no")
    with pytest.raises(ValueError, match="c.npz: expected an .npz file"):
        response_curves.load(tmp_path / "c.npz")

import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.ops import matching

STATISTICS = {
    "noisy_mean": (120.0, 115.0, 105.0), "noisy_std": (62.0, 60.0, 65.0),
    "clean_mean": (115.0, 111.0, 103.0), "clean_std": (70.0, 67.0, 73.0),
}


def test_matched_images_have_the_clean_ones_statistics_and_go_back():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(1, 200, 200, 3)).clip(-0.8, 0.8)
    normal = (normal - normal.mean((0, 1, 2))) / normal.std((0, 1, 2))
    noisy = (normal * STATISTICS["noisy_std"] + STATISTICS["noisy_mean"]) / 255
    noisy = jnp.asarray(noisy, jnp.float32)
    matched = matching.matched(STATISTICS, noisy)
    np.testing.assert_allclose(255 * matched.mean((0, 1, 2)), STATISTICS["clean_mean"], rtol=1e-4)
    np.testing.assert_allclose(255 * matched.std((0, 1, 2)), STATISTICS["clean_std"], rtol=1e-4)
    np.testing.assert_allclose(matching.unmatched(STATISTICS, matched), noisy, atol=1e-6)
    assert matching.matched({}, noisy) is matching.unmatched({}, noisy) is noisy


def test_matched_images_are_clipped():
    ends = jnp.array([0.0, 1.0]).reshape(1, 1, 2, 1) * jnp.ones(3)
    np.testing.assert_array_equal(matching.matched(STATISTICS, ends), ends)


def test_what_are_no_statistics_is_refused_by_the_field_s_name():
    matching.check("own", {})
    matching.check("own", STATISTICS)
    with pytest.raises(ValueError, match=r"own: expected .*noisy_std.* got \['mean'\]"):
        matching.check("own", {"mean": (1.0,) * 3})
    with pytest.raises(ValueError, match="own.noisy_std: expected three values, deviations above"):
        matching.check("own", STATISTICS | {"noisy_std": (1.0, 0.0, 1.0)})

"""Noise has the strength asked for on each image, whatever the network makes of its level."""

import types

import jax
import numpy as np
import pytest

from senm_jax.inference import apply, strength
from senm_jax.methods import base
from senm_jax.ops import gaussian


def _run(name="level", power=1.0):
    """A noise model whose noise is too weak, weaker still in dark images, and goes with a power of
    its level."""

    def sample(variables, clean, key, conditions, origin):
        drawn = gaussian.field(key, origin, clean.shape[1:3])("noise", clean.shape)
        level = 0.03 * (conditions["level"][:, None, None, None] / 0.03) ** power
        return clean + level * (0.3 + clean) * drawn

    return types.SimpleNamespace(variables={}, method=base.Method(
        ("p",), None, None, sample=sample, sample_reach=base.Reach(1, 0),
        conditions={"level": 0.05}, strength=name,
    ))


def _images(*sizes):
    return [np.full((*size, 3), grey, np.float32) for size, grey in zip(sizes, (0.2, 0.5, 0.6))]


def _keys(count):
    return [jax.random.key(i) for i in range(count)]


def _stds(noisy, images):
    return [float((a - b).std()) for a, b in zip(noisy, images, strict=True)]


@pytest.mark.parametrize("power", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("tile", [None, 48])
def test_every_image_has_the_strength_asked_for(tile, power):
    images, asked = _images((300, 400), (64, 90), (256, 256)), [0.02, 0.04, 0.03]
    given = [{"level": level} for level in asked]
    noisy = apply.sample(_run(power=power), images, key=_keys(3), conditions=given, tile=tile)
    np.testing.assert_allclose(_stds(noisy, images), asked, rtol=0.03)
    left = apply.sample(_run(None), images, key=_keys(3), conditions=given, tile=tile)
    np.testing.assert_allclose(_stds(left, images), np.multiply(asked, [0.5, 0.8, 0.9]), rtol=0.03)


def test_a_temperature_is_not_undone():
    run, [image] = _run(), _images((256, 256))
    cool = run.method.sample

    def sample(variables, clean, key, conditions, origin):
        noise = cool(variables, clean, key, conditions, origin) - clean
        return clean + conditions["temperature"][:, None, None, None] * noise

    conditions = run.method.conditions | {"temperature": 1.0}
    run.method = run.method._replace(sample=sample, conditions=conditions)
    noisy = [apply.sample(run, image, key=_keys(1)[0], conditions={"level": 0.03, "temperature": t})
             for t in (0.5, 1.0, 1.5)]
    np.testing.assert_allclose(_stds(noisy, [image] * 3), [0.015, 0.03, 0.045], rtol=0.03)


def test_the_strength_depends_on_no_tile_and_no_company():
    images, keys = _images((300, 400), (64, 90), (256, 256)), _keys(3)
    asked = {"level": 0.03}
    together = apply.sample(_run(), images, key=keys, conditions=asked)
    for image, key, first in zip(images, keys, together, strict=True):
        for tile in (None, 40):
            alone = apply.sample(_run(), image, key=key, conditions=asked, tile=tile)
            np.testing.assert_allclose(alone, first, atol=1e-6)


def test_windows_stay_inside_and_cover_a_small_image():
    assert [w.shape for w in strength.windows(np.zeros((256, 7, 3), np.float32))] == [(256, 7, 3)]
    large = np.arange(600 * 257 * 3, dtype=np.float32).reshape(600, 257, 3)
    found = strength.windows(large)
    assert [w.shape for w in found] == [(256, 256, 3)] * 4
    assert len({float(w[0, 0, 0]) for w in found}) == 4


@pytest.mark.parametrize(("asked", "factor", "power", "level"), [
    (0.0, 1.0, 1.0, 0.0), (0.1, 0.0, 1.0, 0.1), (0.1, 0.5, 1.0, 0.2), (0.1, 0.01, 1.0, 0.4),
    (0.01, 50.0, 1.0, 0.0025), (0.05, 0.8, 0.7, 0.05 * 0.8 ** (-1 / 0.7)),
    (0.05, 1.2, 1.8, 0.05 * 1.2 ** (-1 / 1.8)), (0.05, 0.8, 0.1, 0.05 / 0.8 * 0.8 ** -1.8),
])
def test_a_level_changes_by_what_the_trials_missed(asked, factor, power, level):
    image = np.full((64, 64, 3), 0.5, np.float32)
    noise = np.random.default_rng(0).choice([-1.0, 1.0], image.shape).astype(np.float32)
    noise -= noise.mean()

    def sample(windows, of, levels):
        # Noise of factor * asked at the level asked for, going with a power of the level.
        relative = levels[of] / max(asked, 1e-9)
        return [w + asked * factor * r**power * noise for w, r in zip(windows, relative)]

    found = strength.settle(sample, [image], np.float32([asked]))
    np.testing.assert_allclose(found, [level], rtol=0.001)


def test_clipping_counts():
    image = np.zeros((64, 64, 3), np.float32)

    def sample(windows, of, levels):
        return [levels[i] * np.resize([-1, 1], window.shape) for i, window in zip(of, windows)]

    found = strength.settle(sample, [image], np.float32([0.1]))
    np.testing.assert_allclose(found, [0.2], rtol=0.001)

"""The self-ensemble: a mean over symmetries, under which a restorer becomes symmetric."""

import jax
import numpy as np
import pytest

from senm_jax.data import images
from senm_jax.inference import apply, ensemble, restore


def _noisy(*size):
    return np.random.default_rng(0).random((*size, 3), np.float32)


def _restored(run, image, tile=None):
    plan = ensemble.layout(run, "restore", [image.shape[:2]], tile)
    return ensemble.restore_all(run, [image], [jax.random.key(0)], plan)[0]


def test_it_is_the_mean_over_the_symmetries_of_the_square(dncnn):
    image = _noisy(7, 12)
    plan = apply.layout(dncnn, "restore", [(7, 12), (12, 7)])
    total = 0
    for transposed in (False, True):
        for rows in (1, -1):
            for columns in (1, -1):
                given = image.swapaxes(0, 1) if transposed else image
                made, = apply.restore_all(
                    dncnn, [given[::rows, ::columns]], [jax.random.key(0)], plan)
                made = made[::rows, ::columns]
                total = total + (made.swapaxes(0, 1) if transposed else made)
    np.testing.assert_allclose(_restored(dncnn, image), total / 8, atol=1e-6)
    np.testing.assert_allclose(_restored(dncnn, image, tile=10), total / 8, atol=1e-6)


@pytest.mark.parametrize("flip, turns", [(True, 0), (False, 1), (True, 3)])
def test_a_turned_image_gives_the_turned_result(dncnn, flip, turns):
    def turn(image):
        return np.rot90(image[:, ::-1] if flip else image, turns)

    image = _noisy(8, 8)
    plain = [apply.restore(dncnn, each, key=jax.random.key(0)) for each in (image, turn(image))]
    assert np.abs(turn(plain[0]) - plain[1]).max() > 1e-3
    np.testing.assert_allclose(
        turn(_restored(dncnn, image)), _restored(dncnn, turn(image)), atol=1e-6)


def test_restored_files_tell_that_they_are_of_an_ensemble(dncnn, photos, tmp_path):
    out = tmp_path / "out"
    restore.restore(dncnn, [photos / "a.png"], out, self_ensemble=True)
    expected = _restored(dncnn, images.read(photos / "a.png").pixels / np.float32(255))
    found = images.read(out / "a.png").pixels
    assert np.abs(found - 255 * np.clip(expected, 0, 1)).max() <= 0.51
    with pytest.raises(ValueError, match="another run, seed or setting"):
        restore.restore(dncnn, [photos / "a.png"], out)

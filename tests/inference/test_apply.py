"""Tiled application equals the whole image's, for any size and tile, with one compiled shape."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.inference import apply, tiles
from senm_jax.methods import base, supervised, white_gaussian
from senm_jax.ops import gaussian

SIZES = [(1, 1), (3, 17), (24, 24), (25, 61), (40, 23)]


def _run(method, seed=0):
    """A run with random statistics and biases, so that nothing vanishes at a border."""
    batch = {domain: {side: jnp.zeros((1, 16, 16, 3)) for side in ("clean", "noisy")}
             for domain in ("paired", "source", "target")}
    variables = method.init(jax.random.key(seed), batch)
    leaves, tree = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.key(seed), max(1, len(leaves)))
    drawn = [leaf + 0.05 * jnp.abs(jax.random.normal(k, leaf.shape))
             for k, leaf in zip(keys, leaves)]
    return types.SimpleNamespace(method=method, variables=jax.tree.unflatten(tree, drawn))


def _images(sizes=SIZES):
    rng = np.random.default_rng(0)
    return [rng.random((*size, 3), np.float32) for size in sizes]


def _keys(count):
    return list(jax.random.split(jax.random.key(5), count))


def _whole(run, action, image, key, conditions, multiple):
    """The definition: the method on the whole padded image, cut back."""
    padded = jnp.asarray(tiles.pad(image, multiple))[None]
    origin = jnp.zeros((1, 2), jnp.int32)
    given = {name: jnp.array([value], jnp.float32) for name, value in conditions.items()}
    if action == "sample":
        out = run.method.sample(run.variables, padded, key[None], given, origin)
    else:
        out = run.method.restore(run.variables, padded, key[None], origin)
    return np.asarray(out)[0, : image.shape[0], : image.shape[1]]


@pytest.fixture(scope="module")
def dncnn():
    return _run(supervised.make(supervised.Config("dncnn", {"depth": 5, "width": 8})))


@pytest.mark.parametrize("tile", [None, 12, 24, 29])
def test_tiled_restoration_equals_the_whole_images(dncnn, tile):
    images, keys = _images(), _keys(len(SIZES))
    restored = apply.restore(dncnn, images, key=keys, tile=tile)
    for image, result, key in zip(images, restored, keys, strict=True):
        whole = _whole(dncnn, "restore", image, key, {}, 1)
        np.testing.assert_allclose(result, whole, rtol=0, atol=1e-6 * np.abs(whole).max())


def test_one_image_is_the_list_of_one(dncnn):
    image, key = _images()[3], _keys(1)[0]
    alone = apply.restore(dncnn, image, key=key, tile=20)
    np.testing.assert_array_equal(alone, apply.restore(dncnn, [image], key=[key], tile=20)[0])


def test_too_small_a_margin_shows():
    """The comparison above can fail: a radius that is told one too small leaves seams."""
    run = _run(supervised.make(supervised.Config("dncnn", {"depth": 5, "width": 8})))
    image, key = _images([(40, 40)])[0], _keys(1)[0]
    whole = _whole(run, "restore", image, key, {}, 1)
    for radius, same in ((5, True), (4, False)):
        run.method = run.method._replace(restore_reach=base.Reach(1, radius))
        tiled = apply.restore(run, image, key=key, tile=16)
        assert np.allclose(tiled, whole, atol=2e-6) == same


def test_noise_belongs_to_places_not_tiles():
    run = _run(white_gaussian.make(white_gaussian.Config()))
    images, keys = _images(), _keys(len(SIZES))
    conditions = [{"level": 0.1 * (i + 1)} for i in range(len(SIZES))]
    tiled = apply.sample(run, images, key=keys, conditions=conditions, tile=7)
    for image, result, key, given in zip(images, tiled, keys, conditions, strict=True):
        np.testing.assert_allclose(
            result, _whole(run, "sample", image, key, given, 1), atol=1e-6
        )


def test_a_folder_of_mixed_sizes_compiles_once():
    shapes = []

    def restore(variables, noisy, key, origin):
        shapes.append(noisy.shape)  # runs when traced
        return noisy

    run = types.SimpleNamespace(variables={}, method=base.Method(
        ("p",), None, None, restore=restore, restore_reach=base.Reach(1, 2)
    ))
    images = _images()
    for image, result in zip(images, apply.restore(run, images, key=_keys(5), tile=16)):
        np.testing.assert_array_equal(result, image)
    assert len(shapes) == 1


def test_ticks_count_every_tile_once(dncnn):
    images, keys, ticks = _images(), _keys(len(SIZES)), []
    plan = apply.layout(dncnn, "restore", images, tile=16, batch=4)
    apply.restore_all(dncnn, images, keys, plan, ticks.append)
    assert sum(ticks) == sum(len(tiles.places(size, plan)) for size in SIZES)
    assert max(ticks) == 4


def test_enlarging_networks_are_placed_at_their_scale():
    def restore(variables, noisy, key, origin):
        return noisy.repeat(2, 1).repeat(2, 2)

    run = types.SimpleNamespace(variables={}, method=base.Method(
        ("p",), None, None, restore=restore, restore_reach=base.Reach(1, 1, 2)
    ))
    image = _images([(21, 30)])[0]
    result = apply.restore(run, image, key=_keys(1)[0], tile=8)
    np.testing.assert_array_equal(result, image.repeat(2, 0).repeat(2, 1))


def test_without_a_reach_images_go_whole_or_not_at_all():
    def sample(variables, clean, key, conditions, origin):
        noise = gaussian.field(key, origin, clean.shape[1:3])("noise", clean.shape)
        return clean.mean((1, 2), keepdims=True) + noise

    run = types.SimpleNamespace(
        variables={}, method=base.Method(("p",), None, None, sample=sample)
    )
    image = _images([(5, 9)])[0]
    key = _keys(1)[0]
    result = apply.sample(run, image, key=key, conditions={})
    np.testing.assert_allclose(result, _whole(run, "sample", image, key, {}, 1), atol=1e-6)
    with pytest.raises(ValueError, match="tile: this network depends on the whole image"):
        apply.sample(run, image, key=key, conditions={}, tile=4)
    with pytest.raises(ValueError, match="3000x3000 pixels.*cut the image first"):
        apply.layout(run, "sample", [(3000, 3000)])


def test_a_trial_of_strength_that_is_not_finite_is_its_image_s():
    def sample(variables, clean, key, conditions, origin):
        return jnp.log(clean) * conditions["level"][:, None, None, None]

    run = types.SimpleNamespace(variables={}, method=base.Method(
        ("p",), None, None, sample=sample, conditions={"level": 0.1}, strength="level",
        sample_reach=base.Reach(multiple=1, radius=0),
    ))
    images = [np.full(shape, 0.5, np.float32) for shape in ((300, 8, 3), (8, 8, 3))]
    images[1][0, 0] = 0  # the third window, of the second image
    plan = apply.layout(run, "sample", images)
    with pytest.raises(ValueError, match="image 2: 3 of 192 computed values are not finite"):
        apply.sample_all(run, images, _keys(2), [{}, {}], plan)


def test_what_a_run_cannot_do_is_refused(dncnn):
    image, key = _images()[0], _keys(1)[0]
    with pytest.raises(ValueError, match="is not a noise model, it cannot sample"):
        apply.sample(dncnn, image, key=key, conditions={})
    run = _run(white_gaussian.make(white_gaussian.Config()))
    with pytest.raises(ValueError, match=r"the method takes \['level'\], got \['temperature'\]"):
        apply.sample(run, image, key=key, conditions={"temperature": 1.0})
    with pytest.raises(ValueError, match="a key and conditions for each of 1 images, got 2 keys"):
        apply.restore(dncnn, [image], key=_keys(2))


@pytest.mark.parametrize("reach", [None, base.Reach(multiple=1, radius=0)])
def test_a_result_that_is_not_finite_is_refused_with_its_image(reach):
    def restore(variables, noisy, key, origin):
        return jnp.log(noisy)

    run = types.SimpleNamespace(
        variables={},
        method=base.Method(("p",), None, None, restore=restore, restore_reach=reach),
    )
    images = [np.full((2, 3, 3), 0.5, np.float32) for _ in range(3)]
    images[1][0, 0] = 0
    with pytest.raises(ValueError, match="image 2: 3 of 18 computed values are not finite"):
        apply.restore(run, images, key=_keys(3))

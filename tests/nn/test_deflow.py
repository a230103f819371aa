"""DeFlow's network: back again, its log-determinant, its size, what it sees and refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import deflow as method
from senm_jax.nn import deflow, deflow_features

SMALL = {"levels": 3, "transitions": 1, "steps": 2, "hidden": 4, "scale": 4, "width": 4,
         "growth": 2, "blocks": 2, "tapped": (0,)}


def _images(height, width, rows=2):
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.random((rows, height, width, 3), np.float32))


@functools.cache
def _built(**changes):
    """(network, variables away from their first values)."""
    network = deflow.DeFlow(**SMALL | changes)
    image = _images(16, 32, rows=4)
    small = network.apply({}, image, method="reduced")
    init = jax.jit(functools.partial(network.init, method="encode"))
    variables = init(jax.random.key(0), image, small)
    rng = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(0, 0.02, leaf.shape), jnp.float32),
        variables["params"],
    )
    return network, {**variables, "params": params}


def test_decoding_undoes_encoding_on_images_that_are_not_square():
    network, variables = _built(levels=2)
    image = _images(16, 32)
    small = network.apply(variables, image, method="reduced")
    assert small.shape == (2, 16 // network.scale, 32 // network.scale, 3)
    encode, decode = (
        jax.jit(functools.partial(network.apply, method=m)) for m in ("encode", "decode")
    )
    latents, there = encode(variables, image, small)
    again, back = decode(variables, latents, small)
    assert network.channels == (48,) == tuple(z.shape[-1] for z in latents)
    assert sum(z.size for z in latents) == image.size
    np.testing.assert_allclose(again, image, atol=2e-5)
    np.testing.assert_allclose(back, -there, rtol=1e-5, atol=2e-3)
    other, _ = encode(variables, image, 1 - small)
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(latents, other, strict=True))


def test_the_log_determinant_of_the_whole_is_the_jacobians():
    network, variables = _built()
    image = _images(8, 8, rows=1)
    small = network.apply(variables, image, method="reduced")

    def encode(image):
        latents, log_det = network.apply(variables, image, small, method="encode")
        return jnp.concatenate([z.ravel() for z in latents]), log_det

    jacobian, log_det = jax.jit(jax.jacfwd(encode, has_aux=True))(image)
    expected = np.linalg.slogdet(np.float64(jacobian.reshape(image.size, -1)))[1]
    np.testing.assert_allclose(log_det[0], expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("sizes, published, enlargements", [
    ({"scale": 8, "hidden": 128}, 62_935_305, 3),
    ({"scale": 4, "hidden": 64}, 39_741_641, 2),
])
def test_all_parameters_of_the_release_are_accounted_for(sizes, published, enlargements):
    """The release counts what it never uses: of h(x) the last enlargement and the two convolutions
    behind it, a 3x3 convolution of the features to 96 channels, an identity for each latent, and
    the triangles that the factors of the 1x1 convolutions mask."""
    image = {"clean": np.zeros((1, 8, 8, 3), np.uint8)}
    batch = {"source": image, "target": {"noisy": image["clean"]}}
    made = method.make(method.Config(**sizes))
    params = jax.eval_shape(made.init, jax.random.key(0), batch)["flow"]["params"]
    ours = sum(leaf.size for leaf in jax.tree.leaves(params))
    conv = 3 * 3 * 64 * 64 + 64
    assert enlargements == sizes["scale"].bit_length() - 1
    unused = 2 * conv + (3 * 3 * 64 * 3 + 3) + (3 * 3 * 320 * 96 + 96) + 6**2 + 96**2
    masked = sum((2 + 16) * (channels**2 + channels) for channels in (12, 24, 96))
    assert ours + unused + masked == published


def test_the_small_image_is_mirrored_where_the_image_ends():
    image = _images(16, 24)
    inside = jnp.zeros((2, 16, 24, 1), bool).at[:, :8, :16].set(True)
    reduction = deflow_features.Reduction(4)
    whole = reduction.apply({}, image[:, :8, :16])
    within = reduction.apply({}, image, inside)[:, :2, :4]
    np.testing.assert_allclose(within, whole, atol=1e-6)


def test_sizes_that_do_not_fit_are_refused():
    network = deflow.DeFlow(**SMALL)
    with pytest.raises(ValueError, match="expected a height and width by 8s, got 12x8 pixels"):
        network.apply({}, _images(12, 8), method="reduced")

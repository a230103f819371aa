"""What the networks claim of their reach is exact, and tiling by it leaves no seam."""

import functools
import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.inference import apply, tiles
from senm_jax.methods import (
    base, deflow, flow_srgb, heteroscedastic_gaussian, lud_vae, naflow, noise_flow, senm_vae,
    supervised, vdir,
)
from senm_jax.nn import senm_vae_paired
from senm_jax.ops import gaussian


def _drawn(init, *arguments):
    """Variables of the shapes that ``init`` makes, all random, so that nothing hides a path."""
    rng = np.random.default_rng(7)

    def leaf(shape):
        fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 100
        return jnp.asarray(rng.normal(size=shape) / np.sqrt(2 * fan_in), jnp.float32)

    return jax.tree.map(lambda leaf_: leaf(leaf_.shape), jax.eval_shape(init, *arguments))


def _semi(**fields):
    config = senm_vae.Config(width=4, growth=2, degradation_channels=2, gan_weight=0.0, **fields)
    method = senm_vae.make(config)
    image = jnp.zeros((1, 16, 16, 3))
    batch = {"paired": {"clean": image, "noisy": image}}
    return types.SimpleNamespace(
        method=method, variables=_drawn(method.init, jax.random.key(0), batch)
    )


def _paired():
    network = senm_vae_paired.SeNMVAEPaired(width=8, growth=2, levels=(1, 1))

    def sample(variables, clean, key, conditions, origin):
        normal = gaussian.field(key, origin, clean.shape[1:3])
        return network.apply(
            variables, clean, conditions["level"], jnp.ones_like(conditions["level"]), normal,
            method=network.translate,
        )

    image = jnp.zeros((1, 16, 16, 3))
    draws = functools.partial(
        network.init, normal=lambda name, shape: jnp.zeros(shape), method=network.translate
    )
    variables = _drawn(draws, jax.random.key(0), image, jnp.zeros(1), jnp.ones(1))
    reach = base.Reach(network.multiple, network.radius)
    method = base.Method(
        ("generator",), None, None, sample=sample, conditions={"level": 0.1}, sample_reach=reach
    )
    return types.SimpleNamespace(method=method, variables=variables)


def _lud():
    method = lud_vae.make(lud_vae.Config(width=4, layers=2, restore_noise_255=10.0))
    return types.SimpleNamespace(
        method=method, variables=_drawn(lambda key: method.init(key, {}), jax.random.key(0))
    )


def _labelled(module, **fields):
    """A method of camera configurations, its variables away from their first values."""
    method = module.make(module.Config(configurations=("a_00100", "b_00200"), **fields))
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (4, 16, 16, 3), np.uint8)
    pair = {"clean": images, "noisy": images, "configuration": np.zeros(4, np.int32)}
    variables = method.init(jax.random.key(0), {"paired": pair})["flow"]
    variables["params"] = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(0, 0.1, leaf.shape), jnp.float32),
        variables["params"],
    )
    return types.SimpleNamespace(method=method, variables={"flow": variables})


def _naflow(levels, blocks):
    return _labelled(naflow, levels=levels, transitions=1, blocks=blocks, width=4, hidden=3)


def _deflow(levels, steps, scale):
    method = deflow.make(deflow.Config(
        levels=levels, transitions=1, steps=steps, hidden=3, scale=scale, width=2, growth=1,
        blocks=1, tapped=(0,), first_shift=0.1,
    ))
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    batch = {"source": {"clean": images}, "target": {"noisy": images}}
    variables = jax.jit(method.init)(jax.random.key(0), batch)["flow"]
    variables["params"] = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(rng.normal(0, 0.02, leaf.shape), jnp.float32),
        variables["params"],
    )
    return types.SimpleNamespace(method=method, variables={"flow": variables})


def _vdir(**fields):
    method = vdir.make(vdir.Config(
        width=4, latent=2, gan_weight=0.0, estimate_weight=0.0, sample_latent=True, **fields))
    return types.SimpleNamespace(
        method=method, variables=_drawn(lambda key: method.init(key, {}), jax.random.key(0))
    )


def _supervised(network, level=0.0, **fields):
    method = supervised.make(supervised.Config(network, fields, level=level))
    image = jnp.zeros((1, 16, 16, 3))
    batch = {"paired": {"clean": image, "noisy": image}}
    variables = _drawn(method.init, jax.random.key(0), batch)["restorer"]
    variables["statistics"] = jax.tree.map(jnp.abs, variables["statistics"])
    return types.SimpleNamespace(method=method, variables={"restorer": variables})


_RIR = {"width": 4, "blocks": 1, "layers": 1}
RUNS = {
    "deflow of a step": lambda: _deflow(1, 1, 2),
    "deflow of two steps": lambda: _deflow(2, 2, 2),
    "vdir": lambda: _vdir(architecture=_RIR),
    "vdir x2": lambda: _vdir(architecture={**_RIR, "scale": 2}),
    "vdir x4": lambda: _vdir(architecture={**_RIR, "scale": 4}),
    "vdir of ffdnet": lambda: _vdir(
        restorer="ffdnet", architecture={"width": 4, "depth": 2}),
    "dncnn": lambda: _supervised("dncnn", depth=4, width=4),
    "drunet": lambda: _supervised("drunet", widths=(4, 6, 8), blocks=1),
    "ffdnet": lambda: _supervised("ffdnet", level=0.1, depth=3, width=4),
    "ffdnet, its map 0": lambda: _supervised("ffdnet", level=1e-60, depth=3, width=4),  # float32: 0
    "rrdbnet": lambda: _supervised("rrdbnet", width=4, growth=2, blocks=1),
    "naflow": lambda: _naflow(2, 1),
    "naflow of two blocks": lambda: _naflow(1, 2),
    "noise flow": lambda: _labelled(noise_flow, couplings=2),
    "flow srgb": lambda: _labelled(flow_srgb, groups=1),
    "heteroscedastic": lambda: _labelled(heteroscedastic_gaussian),
    "semi": lambda: _semi(levels=(1, 1)),
    "downs": lambda: _semi(levels=(1,), downs=1),
    "paired": _paired,
    "lud": _lud,
}
SINGLE_PIXELS = ("heteroscedastic", "lud", "vdir x2", "drunet", "dncnn")
"""Of every kind of reach, those quickest to compile: padding does not depend on the network."""


def _call(run, action, images, keys, level):
    """The method on whole images of one size that it takes."""
    images = jnp.asarray(images)
    rows = images.shape[0]
    origin = jnp.zeros((rows, 2), jnp.int32)
    if action == "restore":
        return jax.jit(run.method.restore)(run.variables, images, keys, origin)
    given = {name: jnp.full(rows, value) for name, value in run.method.conditions.items()}
    if "level" in given:
        given["level"] = jnp.full(rows, level)
    return jax.jit(run.method.sample)(run.variables, images, keys, given, origin)


@pytest.mark.parametrize(
    "name, action",
    [("downs", "sample"), ("semi", "restore"), ("paired", "sample"), ("lud", "sample"),
     ("lud", "restore"), ("noise flow", "sample"), ("flow srgb", "sample"),
     ("heteroscedastic", "sample"), ("deflow of a step", "sample"), ("vdir", "restore"),
     ("vdir x2", "restore"), ("vdir of ffdnet", "restore"),
     ("dncnn", "restore"), ("drunet", "restore"), ("ffdnet", "restore"), ("rrdbnet", "restore")],
)
def test_tiled_equals_whole_for_any_size(name, action):
    run = RUNS[name]()
    reach = getattr(run.method, f"{action}_reach")
    cut = 2 * tiles.up(reach.radius, reach.multiple) + 8
    rng = np.random.default_rng(0)
    sizes = [(7, cut + 21), (1, 1)][: 2 if name in SINGLE_PIXELS else 1]
    images = [rng.random((*size, 3), np.float32) for size in sizes]
    keys = list(jax.random.split(jax.random.key(5), len(images)))
    level = {"level": 0.1} if "level" in run.method.conditions else {}
    given = {"conditions": level} if action == "sample" else {}
    made = getattr(apply, action)(run, images, key=keys, tile=cut, **given)
    for image, result, key in zip(images, made, keys, strict=True):
        padded = tiles.pad(image, 1 if reach.any_size else reach.multiple)
        whole = _call(run, action, padded[None], key[None], 0.1)[0]
        whole = whole[: image.shape[0] * reach.scale, : image.shape[1] * reach.scale]
        scale = np.abs(whole).max()
        np.testing.assert_allclose(result / scale, whole / scale, atol=5e-6)


def _plain(path, leaf):
    """Kernels of 1 and all else 0, but for permutations, and signs, which are all 1."""
    if jnp.issubdtype(leaf.dtype, jnp.integer):
        return leaf
    one = leaf.ndim == 4 or jax.tree_util.keystr(path).endswith("['sign']")
    return jnp.full_like(leaf, float(one))


@pytest.mark.parametrize(
    "name, action",
    [("semi", "sample"), ("semi", "restore"), ("downs", "sample"),
     ("paired", "sample"), ("lud", "sample"), ("lud", "restore"), ("naflow", "sample"),
     ("naflow of two blocks", "sample"), ("heteroscedastic", "sample"), ("vdir", "restore"),
     ("vdir x4", "restore"), ("vdir of ffdnet", "restore"), ("drunet", "restore"),
     ("ffdnet, its map 0", "restore"), ("rrdbnet", "restore")],
)
def test_radius_is_exact_to_a_cell_of_the_coarsest_grid(name, action, monkeypatch):
    """One pixel of an image of zeros is 1, every weight 1, every bias and draw 0, and after each
    convolution what is not 0 becomes 1: the result is not 0 exactly where the pixel can matter."""

    def ones(next_method, args, kwargs, context):
        result = next_method(*args, **kwargs)
        return (result != 0) * 1.0 if isinstance(context.module, nn.Conv) else result

    monkeypatch.setattr(gaussian, "field", lambda *_: lambda name, shape: jnp.zeros(shape))
    run = RUNS[name]()
    run.variables = jax.tree_util.tree_map_with_path(_plain, run.variables)
    reach = getattr(run.method, f"{action}_reach")
    rows = np.arange(reach.multiple)  # one image for each place in a cell
    width = tiles.up(2 * reach.radius + 2 * reach.multiple + 2, reach.multiple)
    columns = width // 2 + rows
    images = np.zeros((reach.multiple, reach.multiple, width, 3), np.float32)
    images[rows, :, columns] = 1
    keys = jax.random.split(jax.random.key(0), reach.multiple)
    with nn.intercept_methods(ones):
        touched = np.asarray(_call(run, action, images, keys, 0.0)).any((1, 3))
    row, column = np.nonzero(touched)
    furthest = np.abs(column // reach.scale - columns[row]).max()
    assert reach.radius - reach.multiple < furthest <= reach.radius


def test_radius_of_what_encodes_and_decodes_is_exact_to_a_cell(monkeypatch):
    """As above for a network that undoes its own map, so that what matters may cancel: what is
    not a number stays none wherever it is used, but for a maximum or minimum, which are left out.
    """
    monkeypatch.setattr(nn, "relu", lambda x: x)
    monkeypatch.setattr(jnp, "clip", lambda x, *_: x)
    run = RUNS["deflow of two steps"]()
    reach = run.method.restore_reach
    assert reach == run.method.sample_reach  # whose own is two cells less
    rows = np.arange(reach.multiple)
    width = tiles.up(2 * reach.radius + 2 * reach.multiple + 2, reach.multiple)
    columns = width // 2 + rows
    images = np.zeros((reach.multiple, reach.multiple, width, 3), np.float32)
    images[rows, :, columns] = np.nan
    keys = jax.random.split(jax.random.key(0), reach.multiple)
    touched = np.isnan(_call(run, "restore", images, keys, 0.0)).any((1, 3))
    row, column = np.nonzero(touched)
    furthest = np.abs(column - columns[row]).max()
    assert reach.radius - reach.multiple < furthest <= reach.radius

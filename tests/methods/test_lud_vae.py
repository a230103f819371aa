"""LUD-VAE's objective and both directions: what each part depends on, and what is refused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.methods import base, lud_vae
from senm_jax.ops import matching

CONFIG = lud_vae.Config(width=6)
AIM19 = {
    "noisy_mean": (120.0, 115.0, 105.0), "noisy_std": (62.0, 60.0, 65.0),
    "clean_mean": (115.0, 111.0, 103.0), "clean_std": (70.0, 67.0, 73.0),
}
SIDE = 12


def _images(rows, seed):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.integers(0, 256, (rows, SIDE, SIDE, 3), np.uint8))


def _batch(source=2, target=2):
    return {"source": {"clean": _images(source, 0)}, "target": {"noisy": _images(target, 1)}}


@functools.cache
def _made(**changes):
    method = lud_vae.make(dataclasses.replace(CONFIG, **changes))
    return method, method.init(jax.random.key(0), {})


def _loud(variables):
    """The variables times 1.5, for as they start the image hardly passes."""
    return jax.tree.map(lambda leaf: 1.5 * leaf, variables)


def _context(variables, batch, step=20_000):
    return base.Context(variables, batch, jax.random.key(1), jnp.int32(step), {})


def _loss(method, variables, batch, step=20_000):
    return jax.jit(
        lambda params, step: method.loss("generator", params, _context(variables, batch, step))
    )(variables["generator"]["params"], step)


def _call(method, variables, image, **conditions):
    rows = image.shape[0]
    keys, origin = jax.random.split(jax.random.key(3), rows), jnp.zeros((rows, 2), jnp.int32)
    if not conditions:
        return method.restore(variables, image, keys, origin)
    given = {name: jnp.full(rows, value) for name, value in conditions.items()}
    return method.sample(variables, image, keys, given, origin)


def test_the_loss_is_the_mean_over_all_rows_and_the_annealed_divergence():
    method, variables = _made()
    for step, share in ((2500, 0.25), (10_000, 1.0), (50_000, 1.0)):
        value, outcome = _loss(method, variables, _batch(source=3, target=1), step)
        m = outcome.metrics
        expected = (3 * m["rec_x"] + m["rec_y"]) / 4 + 1e-4 * share * m["kl_zn"]
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        np.testing.assert_allclose(m["psnr_x"], -10 * np.log10(m["rec_x"]), rtol=1e-5)


def test_the_divergence_is_over_the_image_values_of_the_noisy_rows():
    _, variables = _made()
    network = lud_vae.build(CONFIG)
    rows = lud_vae.group(CONFIG, _batch(), jax.random.key(1))
    params = variables["generator"]["params"]

    def zeros(name, shape):
        return jnp.zeros(shape)

    parts = lud_vae.terms(network, params, rows, zeros)
    whole = network.apply(
        {"params": params}, (rows.hx, rows.hy), rows.y, zeros, method="reconstruct"
    ).kl_zn
    np.testing.assert_allclose(parts["kl_zn"], whole.sum() / (2 * 3 * SIDE * SIDE), rtol=1e-5)


def test_every_parameter_learns():
    method, variables = _made()
    gradients = jax.jit(jax.grad(
        lambda params: method.loss("generator", params, _context(variables, _batch())),
        has_aux=True,
    ))(variables["generator"]["params"])[0]
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))


def test_each_domain_has_its_own_fresh_noise_and_the_target_is_without():
    batch = _batch()
    rows = lud_vae.group(CONFIG, batch, jax.random.key(1))
    np.testing.assert_allclose(rows.x, batch["source"]["clean"] / 255, rtol=1e-6)
    np.testing.assert_allclose(rows.y, batch["target"]["noisy"] / 255, rtol=1e-6)
    clean, noisy = (rows.hx - rows.x) * 255, (rows.hy - rows.y) * 255
    np.testing.assert_allclose([clean.std(), noisy.std()], [15, 10], rtol=0.1)
    assert abs(np.mean(clean * noisy)) < 15
    other = lud_vae.group(CONFIG, batch, jax.random.key(2))
    assert not np.allclose(rows.hx, other.hx, atol=1e-3)
    assert rows.hx.min() < 0 and rows.hy.max() > 1  # not clipped


def test_statistics_are_matched_after_the_noise_and_brought_back():
    config = dataclasses.replace(CONFIG, match_255=AIM19)
    rows = lud_vae.group(config, _batch(), jax.random.key(1))
    plain = lud_vae.group(CONFIG, _batch(), jax.random.key(1))
    np.testing.assert_array_equal(rows.hx, plain.hx)
    for given, before in ((rows.y, plain.y), (rows.hy, plain.hy)):
        expected = (np.asarray(before) * 255 - AIM19["noisy_mean"]) / AIM19["noisy_std"]
        expected = (expected * AIM19["clean_std"] + AIM19["clean_mean"]) / 255
        np.testing.assert_allclose(given, expected.clip(0, 1), atol=1e-6)
    middle = jnp.linspace(0.3, 0.7, 3 * 16).reshape(1, 4, 4, 3)
    back = matching.unmatched(AIM19, matching.matched(AIM19, middle))
    np.testing.assert_allclose(back, middle, atol=1e-6)


def test_both_directions_pass_through_the_statistics():
    method, variables = _made()
    config = dataclasses.replace(CONFIG, match_255=AIM19)
    both = lud_vae.make(config)
    image = _images(2, 5) / jnp.float32(255)
    conditions = {"pre_noise": 0.1, "temperature": 1.0}
    np.testing.assert_allclose(
        _call(both, variables, image, **conditions),
        matching.unmatched(AIM19, _call(method, variables, image, **conditions)), atol=1e-6,
    )
    np.testing.assert_allclose(
        _call(both, variables, image),
        _call(method, variables, matching.matched(AIM19, image)), atol=1e-6,
    )


def test_pre_noise_and_temperature_reach_the_generated_image():
    method, variables = _made()
    variables = _loud(variables)
    image = _images(1, 5) / jnp.float32(255)
    default = _call(method, variables, image, **method.conditions)
    for changed in ({"pre_noise": 0.2}, {"temperature": 3.0}):
        other = _call(method, variables, image, **method.conditions | changed)
        assert np.abs(default - other).max() > 1e-4
    cold = _call(method, variables, image, pre_noise=0.0, temperature=0.0)
    np.testing.assert_allclose(cold, _call(method, variables, image), rtol=1e-5)


def test_restoring_with_noise_draws_it_and_without_is_deterministic():
    method, variables = _made()
    variables, noisy = _loud(variables), _made(restore_noise_255=20.0)[0]
    image = _images(1, 5) / jnp.float32(255)
    np.testing.assert_array_equal(*(_call(method, variables, image) for _ in range(2)))
    assert not np.allclose(_call(noisy, variables, image), _call(method, variables, image))


def test_conditions_default_to_the_middle_of_their_ranges():
    method, variables = _made(sample_noise_255=(30.0, 70.0), sample_temperature=(1.0, 3.0))
    assert method.ranges == {"pre_noise": (30 / 255, 70 / 255), "temperature": (1.0, 3.0)}
    image = jnp.zeros((2, 4, 4, 3))
    for clean in (None, image):
        found = method.imitate(variables, clean, image)
        np.testing.assert_allclose(found["pre_noise"], [50 / 255] * 2, rtol=1e-6)
        np.testing.assert_allclose(found["temperature"], [2, 2])


@pytest.mark.parametrize("domains", [("source",), ("target",), ("paired", "source", "target")])
def test_other_domains_than_the_two_are_refused(domains):
    batch = {**_batch(), "paired": {"clean": _images(1, 2), "noisy": _images(1, 3)}}
    with pytest.raises(ValueError, match="learns from the domains source and target.*data.rows"):
        lud_vae.group(CONFIG, {name: batch[name] for name in domains}, jax.random.key(0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "width: expected 1 or more, got 0"),
        ({"kl_weight": -1.0}, "kl_weight: expected 0 or more, got -1.0"),
        ({"kl_anneal_steps": -1}, "kl_anneal_steps: expected 0 or more, got -1"),
        ({"layers": 0}, "layers: expected 1 to 5, got 0"),
        ({"layers": 6}, "layers: expected 1 to 5, got 6"),
        ({"dtype": "int8"}, "dtype: expected float32 or bfloat16, got 'int8'"),
        ({"noisy_noise_255": -1.0}, "noisy_noise_255: expected 0 or more, got -1.0"),
        ({"sample_noise_255": (3.0, 2.0)}, r"sample_noise_255: expected \(lowest, highest\)"),
        ({"sample_temperature": (1.0,)}, r"sample_temperature: expected \(lowest, highest\)"),
        ({"match_255": {"mean": (1.0,) * 3}}, r"match_255: expected .*noisy_std.* got \['mean'\]"),
        ({"match_255": AIM19 | {"noisy_std": (1.0, 0.0, 1.0)}}, "match_255.noisy_std: expected"),
        ({"match_255": AIM19 | {"clean_mean": (1.0,)}}, "match_255.clean_mean: expected"),
    ],
)
def test_what_cannot_be_built_is_refused_by_its_field(changes, message):
    with pytest.raises(ValueError, match=message):
        lud_vae.make(dataclasses.replace(CONFIG, **changes))

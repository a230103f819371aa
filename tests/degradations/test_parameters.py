"""Kinds and parameters by name: what is accepted, and what is said of the rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.degradations import kinds, parameters


def test_a_text_says_kind_and_parameters():
    assert parameters.parse("awgn") == parameters.AWGN()
    assert parameters.parse("awgn,sigma_255=30") == parameters.AWGN((30.0,))
    assert parameters.parse("jpeg,quality=10:20,luma=true") == parameters.JPEG((10, 20), True)
    assert parameters.parse("blur,scale=4,widths=4:1,angle=-0.5") == parameters.Blur(
        4, (4.0, 1.0), -0.5)
    assert parameters.parse("camera_pipeline,patterns=none").patterns == ("none",)


@pytest.mark.parametrize(("text", "message"), [
    ("jpg", "jpg: expected one of awgn, .* did you mean 'jpeg'"),
    ("awgn,sigma=3", "awgn.sigma: awgn has the parameters sigma_255; did you mean 'sigma_255'"),
    ("awgn,3", "expected NAME,KEY=VALUE,..., got the part '3'"),
    ("awgn,sigma_255=x", "awgn.sigma_255: expected float, got 'x'"),
    ("awgn,sigma_255=inf", "awgn.sigma_255: expected a finite number, got inf"),
    ("blur,angle=nan", "blur.angle: expected a finite number, got nan"),
    ("awgn,sigma_255=-1", "awgn.sigma_255: expected 0 or more, got -1.0"),
    ("awgn,sigma_255=30:10", "expected the lowest before the highest"),
    ("awgn,sigma_255=1:2:3", "expected 1 or 2 values, got 3"),
    ("jpeg,quality=0", "jpeg.quality: expected 1 to 100, got 0"),
    ("jpeg,luma=1", "jpeg.luma: expected bool, got 1"),
    ("blur,scale=0", "blur.scale: expected 1 or more, got 0"),
    ("blur,scale=true", "blur.scale: expected int, got True"),
    ("heteroscedastic,law=cubic", "law: expected one of quadratic, linear, got 'cubic'"),
    ("camera_pipeline,curves_file=none.npz", "none.npz: expected an .npz file"),
])
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(ValueError, match=message):
        kinds.make(parameters.parse(text))


def test_no_value_at_all_is_refused():
    with pytest.raises(ValueError, match="quality: expected 1 or more values, got 0"):
        parameters.build("jpeg", {"quality": ()})


@pytest.mark.parametrize("name", sorted(parameters.KINDS))
def test_every_kind_is_made_repeats_and_keeps_its_scale(name):
    of = parameters.build(name, {})
    assert parameters.build(name, parameters.about(of)["parameters"]) == of
    made = kinds.make(of)
    clean = np.random.default_rng(0).random((16, 24, 3), np.float32)
    draw, noise = jax.random.key(1), jax.random.key(2)
    clean = clean if made.on_host else jnp.asarray(clean)
    first, again = (np.asarray(made.degrade(noise, clean, made.draw(draw))) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (16 // made.scale, 24 // made.scale, 3) and first.dtype == np.float32
    told = np.asarray(made.tell(made.draw(draw)))
    assert told.ndim == 1 and told.dtype == np.float32 and np.isfinite(told).all()
    if not made.on_host:
        assert jax.eval_shape(lambda k, x: made.degrade(k, x, made.draw(k)), noise, clean)

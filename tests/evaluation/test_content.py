"""MMD of inferred contents: at its floor where the domains are alike, above where they are not."""

import types

import jax
import numpy as np
import pytest
from evaluation import worlds
from inference import small

from senm_jax.data import store as store_
from senm_jax.data import writing
from senm_jax.evaluation import content, patches, report, sections
from senm_jax.methods import lud_vae
from senm_jax.training import runs


def _run(**noise):
    method = lud_vae.make(lud_vae.Config(width=4, layers=2, **noise))
    variables = jax.tree.map(lambda leaf: 1.5 * leaf, method.init(jax.random.key(0), {}))
    return types.SimpleNamespace(method=method, variables=variables, path="run", step=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Pairs, the noisy image of each a little darker."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("content") / "store"
    with writing.Writer(path, patch=(16, 16), about={}) as writer:
        for i in range(4):
            clean = rng.integers(80, 200, (16, 16, 3), dtype=np.uint8)
            writer.add("paired", clean=clean, noisy=clean - 8, camera="ab"[i % 2], source=str(i))
    return store_.Store.open(path)


def _figures(store, **noise):
    return content.evaluate(_run(**noise), store, name="a").rows[patches.ALL]


def test_noise_that_hides_the_difference_brings_the_discrepancy_to_its_floor(store):
    weak, strong = (
        _figures(store, clean_noise_255=std, noisy_noise_255=std) for std in (1.0, 100.0)
    )
    assert weak["patches"] == 4
    assert weak["content_mmd"] > 2 * weak["content_mmd_floor"]
    assert strong["content_mmd"] < 1.2 * strong["content_mmd_floor"]


def test_without_noise_there_is_one_content_of_an_image(store):
    bare = _figures(store, clean_noise_255=0.0, noisy_noise_255=0.0)
    assert bare["content_mmd_floor"] == 0 < bare["content_mmd"]


def test_images_are_taken_as_their_domain_s(store):
    same = _figures(store, clean_noise_255=40.0, noisy_noise_255=40.0)
    differ = _figures(store, clean_noise_255=40.0, noisy_noise_255=4.0)
    assert differ["content_mmd"] > 1.5 * same["content_mmd"]


def test_draws_repeat_and_depend_on_the_seed(store):
    run = _run()
    first, again, other = (
        content.evaluate(run, store, name="a", seed=seed, limit=2).rows for seed in (3, 3, 4)
    )
    assert first == again != other


def test_large_patches_are_measured_at_their_centre(monkeypatch):
    image = np.arange(20 * 30 * 3, dtype=np.uint16).reshape(20, 30, 3).astype(np.uint8)
    monkeypatch.setattr(content, "SIDE", 10)
    np.testing.assert_array_equal(content._centre(image), image[5:15, 10:20])
    monkeypatch.setattr(content, "SIDE", 25)
    np.testing.assert_array_equal(content._centre(image), image[:, 2:27])


def test_a_report_holds_every_figure(store, tmp_path):
    result = content.evaluate(_run(), store, name="a", limit=2)
    _, text, _ = report.write(tmp_path / "r.html", "x", [sections.of_content([result])])
    text = text.read_text()
    for row in result.rows.values():
        for column in sections.CONTENT_COLUMNS:
            assert format(row[column.key], column.spec) in text


def test_a_method_without_content_is_refused(store, tmp_path):
    run = runs.open(small.white(tmp_path / "white").path)
    with pytest.raises(ValueError, match="is not a model of content .* cannot infer content"):
        content.evaluate(run, worlds.make_store(tmp_path / "s", each=1), name="a")

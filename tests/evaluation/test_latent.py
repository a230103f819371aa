"""The latent's evaluation, on a restorer whose latent is the noise's level and nothing else."""

import jax.numpy as jnp
import numpy as np
import pytest
from evaluation import worlds

from senm_jax.data import store as store_
from senm_jax.data import writing
from senm_jax.evaluation import latent, latent_section, report
from senm_jax.methods import base


def _shrinker():
    """Infers the noise from the difference of neighbours; brings the image that far to grey."""

    def infer(variables, noisy):
        level = jnp.std(noisy[:, :, 1:] - noisy[:, :, :-1], (1, 2, 3)) / jnp.sqrt(2)
        cells = (len(noisy), noisy.shape[1] // 4, noisy.shape[2] // 4, 2)
        return jnp.broadcast_to(level[:, None, None, None], cells)

    def restore_with(variables, noisy, latent):
        share = jnp.mean(latent, (1, 2, 3), keepdims=True) ** 2 / 0.02
        return 0.5 + (noisy - 0.5) * jnp.maximum(1 - share, 0)

    return worlds.run_of(base.Method(("restorer",), None, None, infer=infer,
                                     restore_with=restore_with))


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Pairs of a grey image, the second store's noisier."""
    made = []
    rng = np.random.default_rng(0)
    for level in (4, 12):
        path = tmp_path_factory.mktemp("latent") / f"noise_{level}"
        with writing.Writer(path, patch=(20, 22), about={}) as writer:
            for i in range(6):
                clean = np.full((20, 22, 3), 120 + i, np.uint8)
                noisy = np.rint(clean + level * rng.normal(size=clean.shape)).astype(np.uint8)
                writer.add("paired", clean=clean, noisy=noisy, source=str(i))
        made.append(store_.Store.open(path))
    return made


def test_the_latent_decides_and_levels_lie_apart(stores):
    result = latent.evaluate(_shrinker(), stores[0], name="a", limit=40)
    figures = result.psnr
    assert abs(figures["same image"] - figures["flipped image"]) < 0.01
    assert figures["weaker noise"] < figures["same image"] < figures["stronger noise"]
    distance = np.linalg.norm(result.map.latents[:, None] - result.map.latents, axis=-1)
    np.fill_diagonal(distance, np.inf)
    labels = np.array(result.map.labels)
    assert 0.5 < result.map.nearest == np.mean(labels[distance.argmin(1)] == labels)
    assert sorted(set(result.map.labels)) == sorted(f"sigma {s}" for s in latent.SIGMAS_255)
    assert result.map.crops.shape == (40, 20, 20, 3)
    assert result.map.places.shape == (40, 2)
    apart = np.linalg.norm(result.map.places[:, None] - result.map.places, axis=-1)
    np.fill_diagonal(apart, np.inf)
    levels = np.array([int(label.split()[1]) for label in result.map.labels])
    assert np.mean(np.abs(levels[apart.argmin(1)] - levels)) < 10  # of 10 to 55, by chance 16
    swap = result.swaps[0]
    assert swap.latents["weaker noise"].mean() < swap.latents["same image"].mean()
    again = latent.evaluate(_shrinker(), stores[0], name="a", limit=40)
    np.testing.assert_array_equal(again.map.places, result.map.places)


def test_other_stores_are_mapped_as_they_are(stores):
    result = latent.evaluate(_shrinker(), stores[0], name="a", limit=12, beside=stores[1:])
    assert result.psnr == {} and not result.swaps
    assert list(result.map.labels) == [str(each.path) for each in stores for _ in range(6)]
    assert result.map.nearest == 1
    section = latent_section.of_latents([result])
    assert [column.key for column in section.tables[0].columns] == ["run", "nearest"]


def test_the_report_holds_figures_maps_and_values(stores):
    result = latent.evaluate(_shrinker(), stores[0], name="one", limit=10)
    section = latent_section.of_latents([result])
    page = report.to_html("latents", [section])
    for case, value in result.psnr.items():
        assert f"latent of {case}" in page and f"{value:.3f}" in page
    assert page.count("<circle") == 10 == page.count("<image")
    assert "sigma 10" in page and '"places"' in report.to_json("latents", [section])
    assert "| one |" in report.to_markdown("latents", [section])


def test_what_cannot_be_mapped_is_refused(stores):
    with pytest.raises(ValueError, match="is not a restorer with a latent"):
        latent.evaluate(worlds.run_of(base.Method((), None, None)), stores[0], name="a")
    with pytest.raises(ValueError, match="at least 5 points, got 3"):
        latent.evaluate(_shrinker(), stores[0], name="a", limit=3)

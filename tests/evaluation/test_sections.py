import html
import json
import re

import pytest
from evaluation import worlds

from senm_jax.evaluation import noise, patches, pgap, report, restoration, sections


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return worlds.make_store(tmp_path_factory.mktemp("sections") / "store", each=2)


@pytest.fixture(scope="module")
def models(store):
    return [noise.evaluate(worlds.run_of(method), store, name=name, examples=2)
            for name, method in (("exact", worlds.structured()), ("white", worlds.white()))]


@pytest.fixture(scope="module")
def restorers(store):
    return [restoration.evaluate(worlds.run_of(worlds.restorer(f)), store, name=name, examples=2)
            for name, f in (("same", lambda y: y), ("dark", lambda y: 0.9 * y))]


def test_one_report_of_the_whole_chain_holds_every_figure(tmp_path, models, restorers):
    parts = [sections.of_noise(models), sections.of_restorers(restorers),
             sections.of_pgap([pgap.compare(*restorers)])]
    page, text, values = report.write(tmp_path / "report.html", "Chain", parts)
    page, text, values = page.read_text(), text.read_text(), json.loads(values.read_text())
    for model in models:
        for group, row in model.rows.items():
            for column in sections.NOISE_COLUMNS:
                shown = format(row[column.key], column.spec)
                assert shown in page and shown in text, (model.name, group, column.key)
    by_run = values["sections"][0]["tables"][0]["rows"]
    assert [row["run"] for row in by_run] == ["exact", "white"]
    assert by_run[1]["akld"] == models[1].rows[patches.ALL]["akld"]
    assert values["sections"][1]["data"]["results"][0]["each"] == list(restorers[0].each)
    for column in sections.COST_COLUMNS:
        assert by_run[1][column.key] == models[1].cost[column.key]
        shown = format(models[1].cost[column.key], column.spec)
        assert shown in page and shown in text, column.key
    assert "timed in this run on patches of 48x48" in page and "patches of 48x48" in text
    (gap,) = values["sections"][2]["data"]["pgap"]["synthetic"]
    assert gap["name"] == "dark"
    gap = gap["figures"][patches.ALL]["pgap"]
    assert f"{gap:.3f}" in page and f"{gap:.3f}" in text


def test_there_is_no_bare_kld(models):
    section = [sections.of_noise(models)]
    text = report.to_markdown("x", section) + html.unescape(report.to_html("x", section))
    named = r"KLD, (SeNM-VAE|NAFlow|NeCA)'s|NAFlow's KLD|three KLDs are different quantities"
    assert re.findall(named, text)
    # AKLD, another measure, has its own name.
    assert not re.search(r"(?<!A)KLD", re.sub(named, "", text))
    keys = [column.key for column in sections.NOISE_COLUMNS if "kld" in column.key]
    assert set(keys) == {
        "akld", "kld_senm_vae_grey", "kld_naflow", "kld_naflow_rounded", "kld_neca"
    }


def test_noise_pictures_are_images_over_their_magnified_noise_for_every_run(models):
    crops, maps, curves = sections.of_noise(models).figures
    assert crops.columns == ("clean", "real noisy", "exact", "white")
    assert len(crops.rows) == 4 and all(len(row) == 4 for row in crops.rows)
    assert re.fullmatch(r"noise x \d+", crops.rows[1][0])
    assert all("data:image/png" in cell for cell in crops.rows[0] + crops.rows[1][1:])
    assert maps.columns == ("real", "exact", "white")
    assert all(cell.count("<rect") == 169 for cell in maps.rows[0])
    assert all(cell.count("<polyline") == 6 for cell in curves.rows[0])


def test_restored_crops_stand_between_the_noisy_and_the_clean(restorers):
    (crops,) = sections.of_restorers(restorers).figures
    assert crops.columns == ("noisy", "same", "dark", "clean")
    assert crops.rows[0][0] == crops.rows[0][1] != crops.rows[0][2]


def test_a_store_of_one_configuration_has_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "LEVELS", {(None, None): 0.03})
    store = worlds.make_store(tmp_path / "store", each=2)
    run = worlds.run_of(worlds.restorer(lambda y: y))
    section = sections.of_restorers([restoration.evaluate(run, store, name="a")])
    assert [table.title for table in section.tables] == ["All patches"]

"""The quickstart runs its chain, goes on where it stopped, and words its verdict honestly."""

import json
import pathlib

import pytest

from senm_jax.cli import main, quickstart
from senm_jax.evaluation import report

CONFIGS = pathlib.Path(__file__).parents[2] / "configs" / "quickstart"


def table(*rows):
    columns = [report.Column("run", "run"), report.Column("a", "A", ".2f", 0),
               report.Column("b", "B", ".2f", 0), report.Column("std", "std", ".2f")]
    return report.Table("", columns, [dict(zip(("run", "a", "b", "std"), row)) for row in rows])


def test_verdict_counts_the_metrics_won():
    both = quickstart.verdict(table(("learnt", 0.1, 0.1, 9), ("white", 0.2, 0.3, 1)))
    assert "in 2 of 2 noise metrics" in both and "not in" not in both


def test_verdict_names_the_metrics_lost():
    text = quickstart.verdict(table(("learnt", 0.1, 0.4, 9), ("white", 0.2, 0.3, 1)))
    assert "in 1 of 2 noise metrics; not in: B." in text


def test_wrong_configs_folder_is_refused(tmp_path, capsys):
    assert main.main(["quickstart", "--out", str(tmp_path), "--configs", "nowhere"]) == 1
    assert "found no folder nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_whole_chain_and_again(tmp_path, capsys):
    words = ["quickstart", "--out", str(tmp_path / "q"), "--configs", str(CONFIGS),
             "--preset", "tiny"]
    assert main.main(words) == 0
    first = capsys.readouterr().out
    assert f"Report: {tmp_path}/q/report.html" in first
    content = json.loads((tmp_path / "q" / "report.json").read_text())
    names = [section["tables"][0]["rows"][0]["run"] for section in content["sections"]]
    assert names == ["SeNM-VAE", "DnCNN from SeNM-VAE"]
    assert "<img" in (tmp_path / "q" / "report.html").read_text()
    assert main.main(words) == 0
    again = capsys.readouterr().out
    assert "$ senm-jax prepare" in first and "$ senm-jax prepare" not in again

import pytest

from senm_jax.training import records


def write(folder, columns, start, rows):
    with records.Recorder(folder, columns, start) as recorder:
        for step, figures in rows:
            recorder.row(step, figures)


def test_rows_go_on_where_the_run_goes_on(tmp_path):
    rows = [(1, {"a/loss": 0.5}), (2, {"a/loss": 0.25}), (3, {"a/loss": 9.0})]
    write(tmp_path, ["a/loss"], 0, rows)
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text() + "4,0.12")  # killed while writing
    write(tmp_path, ["a/loss"], 2, [(3, {"a/loss": 0.125})])
    assert records.read(path) == [{"step": 1, "a/loss": 0.5}, {"step": 2, "a/loss": 0.25},
                                  {"step": 3, "a/loss": 0.125}]


def test_columns_may_come_and_go(tmp_path):
    write(tmp_path, ["a/loss", "old"], 0, [(1, {"a/loss": 1.0, "old": 2.0})])
    write(tmp_path, ["a/loss", "new"], 1, [(2, {"a/loss": 3.0, "new": 4.0})])
    assert records.read(tmp_path / "metrics.csv") == [
        {"step": 1, "a/loss": 1.0, "old": 2.0}, {"step": 2, "a/loss": 3, "new": 4}]


def test_a_figure_without_a_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="surprise"):
        write(tmp_path, ["a/loss"], 0, [(1, {"surprise": 1.0})])

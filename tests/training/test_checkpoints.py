import json
import logging
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training import saves

from senm_jax.training import checkpoints, saving, summary, trees


@pytest.fixture(scope="module")
def begin():
    return saves.begin()


def abstract(of):
    return jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=a.sharding), of)


def damage(folder, step):
    """Flips one byte in the middle of the largest file of the state's arrays."""
    files = pathlib.Path(folder, str(step), "state").rglob("*")
    largest = max((f for f in files if f.is_file()), key=lambda f: f.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 255
    largest.write_bytes(content)


def test_what_is_restored_is_what_was_saved(tmp_path, begin):
    saves.save(tmp_path / "c", begin, {4: None})
    restored, meta = checkpoints.restore(tmp_path / "c", abstract(begin))
    assert jax.tree.structure(restored) == jax.tree.structure(begin)
    jax.tree.map(np.testing.assert_array_equal, restored, saves.at(begin, 4))
    assert meta["step"] == 4 and meta["data"] == "f"


def test_variables_are_read_without_the_method(tmp_path, begin):
    saves.save(tmp_path / "c", begin, {4: None})
    parts, _ = checkpoints.read(tmp_path / "c", 4)
    assert set(parts) == {"params", "statistics"}
    assert trees.digest(parts["params"]) == trees.digest(begin.params)
    assert parts["statistics"]["judge"] == {}


def test_the_latest_and_the_best_are_kept(tmp_path, begin):
    figures = {1: 5.0, 2: 9.0, 3: 7.0, 4: None, 5: 8.0}
    saves.save(tmp_path / "high", begin, figures, best="validation/psnr")
    assert checkpoints.steps(tmp_path / "high") == [2, 4, 5]
    assert checkpoints.newest(tmp_path / "high", "validation/psnr")[1]["step"] == 2
    assert checkpoints.newest(tmp_path / "high", "")[1]["step"] == 5
    saves.save(tmp_path / "low", begin, figures, keep=1, best="-validation/psnr")
    assert checkpoints.steps(tmp_path / "low") == [1, 5]
    assert checkpoints.newest(tmp_path / "low", "-validation/psnr")[1]["step"] == 1


def test_damaged_checkpoints_are_passed_over_by_name_and_make_room(tmp_path, begin, caplog):
    folder = tmp_path / "c"
    saves.save(folder, begin, {2: None, 4: None, 6: None}, keep=9)
    damage(folder, 4)
    (folder / "6" / "meta" / "metadata").write_text("{")
    (folder / "8").mkdir()
    faults = [entry.fault for entry in summary.survey(folder)]
    assert faults[0] is None and all("damaged" in fault for fault in faults[1:])

    assert checkpoints.newest(folder, "")[1]["step"] == 2
    with caplog.at_level(logging.WARNING):
        restored, _ = checkpoints.restore(folder, abstract(begin))
    assert int(restored.step) == 2
    for step in (4, 6, 8):
        assert f"{folder / str(step)}: damaged" in caplog.text
    assert checkpoints.steps(folder) == [2]
    assert len(list((tmp_path / "damaged").iterdir())) == 3
    saves.save(folder, begin, {4: None}, keep=9)
    assert int(checkpoints.restore(folder, abstract(begin))[0].step) == 4


def test_a_field_that_was_taken_out_of_the_meta_is_named(tmp_path, begin, caplog):
    saves.save(tmp_path, begin, {2: None, 4: None})
    meta = tmp_path / "4" / "meta" / "metadata"
    kept = json.loads(meta.read_text())
    del kept["validation"]
    meta.write_text(json.dumps(kept))
    assert checkpoints.newest(tmp_path, "")[1]["step"] == 2
    assert f"{tmp_path / '4'}: damaged or incomplete: ValueError: its meta lacks validation" \
        in caplog.text
    assert "lacks validation" in summary.survey(tmp_path)[1].fault


def test_what_a_run_in_training_removed_meanwhile_is_passed_over_silently(
        tmp_path, begin, monkeypatch, caplog):
    saves.save(tmp_path, begin, {2: None})
    monkeypatch.setattr(checkpoints, "steps", lambda folder: [1, 2])
    assert [entry.step for entry in summary.survey(tmp_path)] == [2]
    assert checkpoints.newest(tmp_path, "")[1]["step"] == 2
    assert not caplog.text


def test_the_newest_is_looked_for_again_where_all_that_were_listed_are_gone(
        tmp_path, begin, monkeypatch):
    saves.save(tmp_path, begin, {2: None})
    listings, listed = iter([[1]]), checkpoints.steps
    monkeypatch.setattr(checkpoints, "steps", lambda folder: next(listings, listed(folder)))
    assert checkpoints.newest(tmp_path, "")[1]["step"] == 2


def test_no_whole_checkpoint_is_an_error_that_moves_nothing(tmp_path, begin):
    folder = tmp_path / "c"
    assert checkpoints.restore(folder, abstract(begin)) is None
    saves.save(folder, begin, {2: None})
    damage(folder, 2)
    with pytest.raises(ValueError, match="none of 1 checkpoints is whole: .*2: damaged"):
        checkpoints.restore(folder, abstract(begin))
    with pytest.raises(ValueError, match="none of 1 checkpoints is whole"):
        checkpoints.newest(folder, "")
    assert checkpoints.steps(folder) == [2]


def test_nothing_that_is_not_finite_is_saved(tmp_path, begin):
    folder = tmp_path / "c"
    with saving.Writer(folder, keep=2, best="") as writer:
        bad = begin.replace(statistics=jax.tree.map(lambda a: a * jnp.nan, begin.statistics))
        with pytest.raises(ValueError, match="step 0: statistics/painter/ballast .* not finite"):
            writer.save(bad, saves.ABOUT, {})
    assert checkpoints.steps(folder) == []


def test_what_a_killed_save_left_is_no_checkpoint_and_is_swept_up(tmp_path, begin):
    folder = tmp_path / "c"
    saves.save(folder, begin, {2: None})
    left = folder / "3.orbax-checkpoint-tmp"
    (left / "state").mkdir(parents=True)
    assert checkpoints.steps(folder) == [2]
    saves.save(folder, begin, {4: None})
    assert checkpoints.steps(folder) == [2, 4] and not left.exists()


def test_processes_wait_for_each_other_before_and_after_damaged_checkpoints_move(
        tmp_path, monkeypatch):
    met = []

    def meet(_):
        met.append(sorted(path.name for path in tmp_path.glob("damaged/*")))

    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(checkpoints.multihost_utils, "sync_global_devices", meet)
    checkpoints._set_aside(tmp_path / "checkpoints", {}, 1)
    assert met == [[], []]
    (tmp_path / "checkpoints" / "2").mkdir(parents=True)
    checkpoints._set_aside(tmp_path / "checkpoints", {2: checkpoints.Damaged("broken")}, 1)
    assert met[2] == [] and len(met[3]) == 1 and met[3][0].startswith("2.")

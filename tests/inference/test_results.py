"""What stands of a folder of results when a command is called again."""

import json

import pytest

from senm_jax.inference import results

ABOUT = {"made_by": "a test", "seed": 0}


@pytest.fixture
def given(tmp_path):
    """(the file it is made of, the result, the manifest), of one result that was made."""
    source, out = tmp_path / "in" / "a.png", tmp_path / "out"
    source.parent.mkdir()
    source.write_bytes(b"photograph")
    claim(out, source)
    (out / "a.png").write_bytes(b"result")
    return source, out / "a.png", out / "manifest.json"


def claim(out, source, about=ABOUT, **how):
    made_of = results.of_files({out / "a.png": source})
    results.claim(out / "manifest.json", about, made_of, **how)


def test_a_result_stands_where_call_and_input_are_the_same(given):
    source, target, manifest = given
    before = manifest.read_bytes()
    claim(target.parent, source)
    assert target.read_bytes() == b"result" and manifest.read_bytes() == before
    moved = source.rename(source.with_name("b.png"))
    claim(target.parent, moved)
    assert target.exists()


def test_a_result_of_an_input_that_was_replaced_goes(given):
    source, target, _ = given
    source.write_bytes(b"another photograph")
    claim(target.parent, source)
    assert not target.exists()


def test_what_stands_of_earlier_inputs_is_remembered(given, tmp_path):
    source, target, manifest = given
    results.claim(manifest, ABOUT, {})
    claim(target.parent, source)
    assert target.exists()


def test_overwriting_removes_what_is_there(given):
    source, target, manifest = given
    claim(target.parent, source, {"made_by": "another"}, overwrite=True)
    assert not target.exists() and json.loads(manifest.read_text())["about"]["made_by"] == "another"


def test_overwriting_some_forgets_no_others_and_bears_what_it_cannot_read(given, tmp_path):
    source, target, manifest = given
    other = target.with_name("b.png")
    results.claim(manifest, ABOUT, results.of_files({other: source}), overwrite=True)
    claim(target.parent, source, overwrite=False)
    assert target.exists()
    manifest.write_text("{")
    claim(target.parent, source, overwrite=True)
    assert not target.exists()


def test_what_no_call_like_this_made_is_refused_and_left(given, tmp_path):
    source, target, manifest = given
    with pytest.raises(ValueError, match="out: holds what another call made"):
        claim(target.parent, source, {**ABOUT, "seed": 1})
    other = tmp_path / "elsewhere.png"
    other.write_bytes(b"of another folder")
    with pytest.raises(ValueError, match="a.png: was made of .*in/a.png and would be replaced"):
        claim(target.parent, other)
    short = '{"about": {}, "made_of": {"a": ["x"]}}'
    for content in ("{", "[]", '{"about": {}}', "\xff", short):
        manifest.write_bytes(content.encode("latin-1"))
        with pytest.raises(ValueError, match="manifest.json: expected JSON as this version"):
            claim(target.parent, source)
    manifest.unlink()
    with pytest.raises(ValueError, match="a.png: is there already and is .*another --out$"):
        claim(target.parent, source)
    with pytest.raises(ValueError, match="take another --out, or --overwrite"):
        claim(target.parent, source, overwrite=False)
    assert target.read_bytes() == b"result"

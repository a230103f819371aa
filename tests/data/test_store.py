"""A store holds what was put in, and knows when it was changed."""

import hashlib
import json
import pathlib

import numpy as np
import pytest

from senm_jax.data import layout, shards, store, writing

PATCH = (40, 56)


def test_patches_and_records_come_back(small_store):
    assert small_store.domains == ("paired", "source", "target")
    assert small_store.patch == PATCH
    assert len(small_store) == 18
    rng = np.random.default_rng(4)
    clean, noisy = rng.integers(0, 256, (2, *PATCH, 3), np.uint8)
    np.testing.assert_array_equal(small_store.images("paired", "clean")[4], clean)
    np.testing.assert_array_equal(small_store.images("paired", "noisy")[4], noisy)
    np.testing.assert_array_equal(small_store.images("target", "noisy")[-2], clean)
    crop = small_store.read("paired", "noisy", 4, 24, 40, 16)
    np.testing.assert_array_equal(crop, noisy[24:40, 40:56])
    record = small_store.records("paired")[4]
    assert (record["camera"], record["iso"], record["level"]) == ("camera 0", 200, 0.1)
    assert (record["source"], record["position"], record["origin"]) == ("4.png", [4, 8], None)
    small_store.verify()
    assert "6 paired, 6 source, 6 target patches of 40 x 56, noise of std 0.1000, " in (
        small_store.summary())


def test_configurations(small_store):
    assert small_store.configurations[0] == ("camera 0", 100)
    assert len(small_store.configurations) == 6
    tags = small_store.tags("target")
    chosen = [small_store.configurations[i] for i in small_store.configuration("target")]
    assert chosen == tags
    assert set(small_store.configuration("source")) == {-1}


def test_shards_are_bounded_and_indexed_as_one(tmp_path, fill, monkeypatch, small_store):
    monkeypatch.setattr(shards, "BYTES", 4 * PATCH[0] * PATCH[1] * 3)
    with writing.Writer(tmp_path / "split", patch=PATCH, about={}) as writer:
        fill(writer)
    split = store.Store.open(tmp_path / "split")
    assert split.index["domains"]["paired"]["shards"] == [4, 2]
    assert (tmp_path / "split" / "paired.noisy.0001.npy").exists()
    assert split.fingerprint == small_store.fingerprint
    for domain in store.SIDES:
        for side in store.SIDES[domain]:
            whole, parts = small_store.images(domain, side), split.images(domain, side)
            assert parts.shape == whole.shape == (6, *PATCH, 3)
            np.testing.assert_array_equal(parts[:], whole[:])
            np.testing.assert_array_equal(parts[1::3], whole[:][1::3])
            np.testing.assert_array_equal(parts[[5, 0]], whole[:][[5, 0]])
    with pytest.raises(IndexError, match="patch 6 of 6"):
        split.images("paired", "clean")[6]


def test_shards_are_plain_numpy_files(small_store):
    array = np.load(small_store.path / "paired.clean.0000.npy")
    np.testing.assert_array_equal(array, small_store.images("paired", "clean")[:])


def test_fingerprint_follows_pixels_and_tags_and_nothing_else(tmp_path):
    base = {"noisy": np.zeros((4, 4, 3), np.uint8), "camera": "a", "iso": 1, "source": "x"}
    pixel = base["noisy"].copy()
    pixel[3, 3, 2] = 1
    changes = [
        {}, {"noisy": pixel}, {"camera": "b"}, {"iso": 2}, {"level": 0.5}, {"source": "y"},
        {"position": (0, 1)}, {"origin": {"run": "r"}},
    ]  # fmt: skip
    found = []
    for i, change in enumerate(changes):
        with writing.Writer(tmp_path / str(i), patch=(4, 4), about={"i": i}) as writer:
            writer.add("target", **base | change)
        found.append(store.Store.open(tmp_path / str(i)).fingerprint)
    assert len(set(found)) == len(changes)
    with writing.Writer(tmp_path / "again", patch=(4, 4), about={"i": "other"}) as writer:
        writer.add("target", **base)
    assert store.Store.open(tmp_path / "again").fingerprint == found[0]


def test_verify_names_a_changed_patch(small_store):
    path = small_store.path / "target.noisy.0000.npy"
    data = bytearray(path.read_bytes())
    data[128 + 3 * PATCH[0] * PATCH[1] * 3 + 17] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="target noisy patch 3 .from target 3.png. is not what"):
        store.Store.open(small_store.path).verify()


def test_verify_names_changed_records(small_store):
    index = json.loads((small_store.path / "index.json").read_text())
    index["domains"]["target"]["records"][0]["iso"] = 12345
    (small_store.path / "index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="records differ from the fingerprint"):
        store.Store.open(small_store.path).verify()


def damage(path: pathlib.Path, what: str) -> None:
    index_path = path / "index.json"
    index = json.loads(index_path.read_text())
    shard = path / "paired.clean.0000.npy"
    if what == "no index":
        index_path.unlink()
    elif what == "text":
        index_path.write_text("{")
    elif what == "schema":
        index_path.write_text(json.dumps(index | {"schema": 99}))
    elif what == "keys":
        index_path.write_text(json.dumps({"schema": 1}))
    elif what == "records":
        index["domains"]["paired"]["records"].pop()
        index_path.write_text(json.dumps(index))
    elif what == "no shard":
        shard.unlink()
    elif what == "short shard":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif what == "empty shard":
        shard.write_bytes(b"")
    elif what == "other shard":
        np.save(shard, np.zeros((6, 2, 2, 3), np.uint8))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no index", "is no patch store .it has no index.json.; `senm-jax prepare`"),
        ("text", "index.json: cannot be read"),
        ("schema", "expected a patch store of schema 1, got 99"),
        ("keys", r"index.json: patch: expected .height, width., got nothing; make the store"),
        ("records", "paired counts 6 patches, has 5 records"),
        ("no shard", "paired.clean.0000.npy: cannot be mapped"),
        ("short shard", "paired.clean.0000.npy: cannot be mapped"),
        ("empty shard", "paired.clean.0000.npy: cannot be mapped"),
        ("other shard", "paired.clean.0000.npy: expected uint8"),
    ],
)
def test_a_damaged_store_is_refused(small_store, what, message):
    damage(small_store.path, what)
    with pytest.raises(ValueError, match=message):
        store.Store.open(small_store.path)


def change(path: pathlib.Path, place: tuple, value) -> None:
    """Puts a value, or by `change` nothing, at a place of the index."""
    index = json.loads((path / "index.json").read_text())
    within = index
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    if value is change:
        del within[place[-1]]
    (path / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(("place", "value", "message"), [
    (("about",), [], "about: expected an object, got ..; make the store again, as BUILD.md says"),
    (("patch",), [40, 56.0], "patch: expected .height, width., got .40, 56.0."),
    (("scale",), "2", 'scale: expected a whole number, got "2"'),
    (("domains", "pairs"), {}, "expected the domains .'paired', 'source', 'target'., got 'pairs'"),
    (("domains", "source"), [], "source: expected an object, got .."),
    (("domains", "source", "count"), change, "source: count: expected a whole number, got nothing"),
    (("domains", "source", "shards"), 6, "source: shards: expected whole numbers, got 6"),
    (("domains", "source", "records", 4), None, "source patch 4: expected an object, got null"),
])
def test_an_index_of_other_hands_is_refused_by_its_field(small_store, place, value, message):
    change(small_store.path, place, value)
    with pytest.raises(ValueError, match=f"small/index.json: {message}"):
        store.Store.open(small_store.path)


@pytest.mark.parametrize(("field", "value", "message"), [
    ("camera", change, "expected text or null, got nothing"),
    ("iso", 100.0, "expected a whole number or null, got 100.0"),
    ("level", float("nan"), "expected a number that is not negative, or null, got NaN"),
    ("source", 3, "expected text, got 3"),
    ("position", [1, 2, 3], "expected .row, column., got .1, 2, 3."),
    ("origin", change, "expected a value or null, got nothing"),
    ("digest", {"clean": "0" * 99}, 'expected text by side, noisy, got ."clean": "0{46}...;'),
])
def test_a_record_of_other_hands_is_refused_by_patch_and_field(small_store, field, value, message):
    change(small_store.path, ("domains", "target", "records", 4, field), value)
    with pytest.raises(ValueError, match=f"small/index.json: target patch 4: {field}: {message}"):
        store.Store.open(small_store.path)


def test_a_folder_of_stores_names_them(small_store):
    with pytest.raises(ValueError, match="did you mean .*small"):
        store.Store.open(small_store.path.parent)


def test_missing_domains_and_windows_are_refused(tmp_path, fill):
    with writing.Writer(tmp_path / "s", patch=(4, 4), about={}) as writer:
        writer.add("source", clean=np.zeros((4, 4, 3), np.uint8), source="x")
    opened = store.Store.open(tmp_path / "s")
    with pytest.raises(ValueError, match="no 'paired' patches, only"):
        opened.records("paired")
    with pytest.raises(ValueError, match="source patches have"):
        opened.images("source", "noisy")
    with pytest.raises(ValueError, match="leaves the 4 x 4 patch"):
        opened.read("source", "clean", 0, 1, 0, 4)


def test_a_pair_may_have_a_smaller_noisy_side(tmp_path, fill_enlarged, monkeypatch):
    monkeypatch.setattr(shards, "BYTES", 2 * 16 * 24 * 3)
    with writing.Writer(tmp_path / "s", patch=(16, 24), about={}, scale=4) as writer:
        fill_enlarged(writer)
    opened = store.Store.open(tmp_path / "s")
    opened.verify()
    assert (opened.scale, opened.patch, opened.patch_of("noisy")) == (4, (16, 24), (4, 6))
    assert opened.images("paired", "noisy").shape == (5, 4, 6, 3)
    assert opened.images("paired", "clean").shape == (5, 16, 24, 3)
    assert opened.index["domains"]["paired"]["shards"] == [2, 2, 1]
    noisy = opened.images("paired", "noisy")
    np.testing.assert_array_equal(opened.read("paired", "noisy", 3, 1, 3, 3), noisy[3][1:, 3:])
    with pytest.raises(ValueError, match="leaves the 4 x 6 patch"):
        opened.read("paired", "noisy", 3, 2, 0, 3)
    assert "5 paired patches of 16 x 24 (noisy ones 4 x 6)" in opened.summary()


def test_the_scale_is_part_of_the_fingerprint_only_where_sizes_differ(tmp_path, fill_enlarged):
    def index(scale):
        with writing.Writer(tmp_path / str(scale), patch=(4, 4), about={}, scale=scale) as writer:
            fill_enlarged(writer, 1, scale, (4, 4))
        return store.Store.open(tmp_path / str(scale)).index

    plain, halved = index(1), index(2)
    assert "scale" not in plain and halved["scale"] == 2
    content = [1, [4, 4], ["paired", plain["domains"]["paired"]["records"]]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert plain["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()
    del halved["scale"]
    assert layout.fingerprint(halved) != halved["fingerprint"]

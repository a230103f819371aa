"""PolyU is packed by its own split, in halves that share no scene, with pairs from all of them."""

import collections
import json

import numpy as np
import pytest

from senm_jax.data import duplicates, images, polyu, preflight, store, writing

CAMERAS = [("a", 100), ("a", 100), ("a", 200), ("a", 200), ("b", 100), ("b", 400), ("c", 100)]


@pytest.fixture
def scenes_folder(tmp_path, scene, noisy, save):
    """Seven training scenes of three cameras and two test scenes."""
    listed = []
    for i, (camera, iso) in enumerate(CAMERAS + [("a", 100), ("b", 400)]):
        name = f"{camera}_{i}"
        save(tmp_path / "data" / f"{name}_clean.png", scene(i))
        save(tmp_path / "data" / f"{name}_noisy.png", noisy(scene(i), 9, i))
        listed.append({
            "scene": name, "camera": camera, "iso": iso,
            "split": "train" if i < len(CAMERAS) else "test",
            "clean": f"{name}_clean.png", "noisy": f"{name}_noisy.png",
        })  # fmt: skip
    (tmp_path / "data" / "scenes.json").write_text(json.dumps(listed))
    return tmp_path / "data"


def prepare(data, **options):
    out = data.parent / f"out {'-'.join(map(str, options.values()))}"
    settings = {"patch": 24, "per_scene": 5, "tell": lambda text: None} | options
    return [store.Store.open(path) for path in polyu.prepare(data, out, **settings)]


def scenes_of(opened: store.Store, domain: str) -> collections.Counter:
    return collections.Counter(
        record["source"].split("_clean")[0].split("_noisy")[0]
        for record in opened.records(domain)
    )


def test_all_pairs(scenes_folder):
    train, test = prepare(scenes_folder)
    assert train.domains == test.domains == ("paired",)
    assert set(scenes_of(train, "paired").values()) == {5}
    assert len(scenes_of(train, "paired")) == 7
    assert sorted(scenes_of(test, "paired")) == ["a_7", "b_8"]
    assert set(train.tags("paired")) == set(CAMERAS)
    assert train.records("paired")[0]["source"] == "a_0_clean.png | a_0_noisy.png"
    levels = [record["level"] for record in train.records("paired")]
    np.testing.assert_allclose(levels, 9 / 255, rtol=0.1)


def test_some_pairs(scenes_folder):
    train, _ = prepare(scenes_folder, pairs=10)
    pairs, source, target = (scenes_of(train, d) for d in ("paired", "source", "target"))
    assert sum(pairs.values()) == 10
    assert set(pairs.values()) == {1, 2}  # evenly over all seven scenes
    assert not set(source) & set(target)
    assert len(source) + len(target) == 7
    assert set(source.values()) | set(target.values()) == {5}
    assert train.records("target")[0]["level"] is None


@pytest.mark.parametrize("pairs", [None, 10])
def test_training_pairs_alone_have_their_means_matched(scenes_folder, pairs):
    train, test = prepare(scenes_folder, pairs=pairs, match_mean=True)
    for clean, noisy in zip(train.images("paired", "clean"), train.images("paired", "noisy")):
        np.testing.assert_allclose(noisy.mean((0, 1)), clean.mean((0, 1)), atol=0.51)
    _, plain = prepare(scenes_folder, pairs=pairs)
    assert test.fingerprint == plain.fingerprint


def test_clean_photographs_are_moved_to_where_the_noisy_ones_lie(scenes_folder, scene, noisy, save):
    for path in scenes_folder.glob("*_noisy.png"):
        large = scene(int(path.name.split("_")[1]), 96, 129)
        save(path, noisy(large[:, 1:], 3, 0))
        save(path.with_name(path.name.replace("noisy", "clean")), large[:, :-1])
    for opened in prepare(scenes_folder, pairs=3, align=True):
        levels = [record["level"] for record in opened.records("paired")]  # few lie at the border
        np.testing.assert_allclose(np.median(levels), 3 / 255, rtol=0.1)
    crooked, _ = prepare(scenes_folder, pairs=3)
    assert min(record["level"] for record in crooked.records("paired")) > 5 / 255


def test_fewer_pairs_are_the_first_of_more(scenes_folder):
    few, many = (prepare(scenes_folder, pairs=count)[0] for count in (3, 20))
    names = [
        {(record["source"], tuple(record["position"])) for record in s.records("paired")}
        for s in (few, many)
    ]
    assert len(names[0]) == 3 and names[0] < names[1]
    for domain in ("source", "target"):
        assert few.records(domain) == many.records(domain)


def test_no_pairs_at_all(scenes_folder):
    train, _ = prepare(scenes_folder, pairs=0)
    assert train.domains == ("source", "target")


@pytest.mark.parametrize("seed", range(8))
def test_halves_are_balanced(scenes_folder, seed):
    train = [i for i in polyu.scenes(scenes_folder, False, 0) if i.split == "train"]
    half = polyu.halves(train, seed)
    for kinds in (lambda i: 0, lambda i: i.camera, lambda i: (i.camera, i.iso)):
        counts = collections.Counter()
        for item in train:
            counts[kinds(item)] += 1 if half[item.name] == polyu.SOURCE else -1
        assert max(map(abs, counts.values())) <= 1


def test_unknown_cameras_are_dealt_too(scenes_folder):
    train = [i._replace(camera=None, iso=None) for i in polyu.scenes(scenes_folder, False, 0)]
    assert collections.Counter(polyu.halves(train, 0).values())[polyu.TARGET] == 4


def test_halves_follow_the_seed(scenes_folder):
    train = [i for i in polyu.scenes(scenes_folder, False, 0) if i.split == "train"]
    assert len({tuple(polyu.halves(train, seed).items()) for seed in range(8)}) > 2


def test_too_many_pairs_are_refused(scenes_folder):
    with pytest.raises(ValueError, match="--pairs 36: the 7 training scenes give 35 patches"):
        prepare(scenes_folder, pairs=36)
    assert [path.name for path in scenes_folder.parent.iterdir()] == ["data"]


def test_both_stores_or_none(scenes_folder, monkeypatch):
    commit, calls = writing.Writer._commit, []

    def interrupted(self):
        if calls:
            raise KeyboardInterrupt
        calls.append(commit(self))

    monkeypatch.setattr(writing.Writer, "_commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(scenes_folder)
    monkeypatch.setattr(writing.Writer, "_commit", commit)
    written = list(scenes_folder.parent.rglob("index.json"))
    assert len(written) == 1
    with pytest.raises(ValueError, match="was not finished"):
        store.Store.open(written[0].parent)
    prepare(scenes_folder)
    assert not list(scenes_folder.parent.glob("*.partial"))


def test_a_broken_scene_is_left_out(scenes_folder):
    (scenes_folder / "a_0_noisy.png").write_bytes(b"")
    (scenes_folder / "b_4_clean.png").unlink()
    told = []
    train, _ = prepare(scenes_folder, tell=told.append)
    assert len(scenes_of(train, "paired")) == 5
    assert "a_0_noisy.png: is empty" in told[0]
    assert "b_4_clean.png: " in told[0]


def test_bad_folders_are_refused(tmp_path, scenes_folder):
    with pytest.raises(ValueError, match="scenes.json: not found; give the folder"):
        prepare(tmp_path)
    listed = json.loads((scenes_folder / "scenes.json").read_text())
    (scenes_folder / "scenes.json").write_text(json.dumps(listed + listed[2:3]))
    with pytest.raises(ValueError, match="expected every scene once, found more of a_2"):
        prepare(scenes_folder)
    (scenes_folder / "scenes.json").write_text("{")
    with pytest.raises(ValueError, match="scenes.json: is not JSON"):
        prepare(scenes_folder)
    for content, message in [
        ('[{"scene": "x"}]', "scenes.json: .*not so camera, iso, split, noisy"),
        ('{"scenes": []}', "scenes.json: expected a list of scenes"),
        ("[3]", "scenes.json: expected a list of scenes"),
        (json.dumps([{k: v for k, v in listed[0].items() if k != "camera"}]), "not so camera of"),
        (json.dumps([{**listed[0], "iso": "x"}]), "a whole ISO .* not so iso of .*'a_0'"),
    ]:
        (scenes_folder / "scenes.json").write_text(content)
        with pytest.raises(ValueError, match=message):
            prepare(scenes_folder)


def test_the_same_scene_in_train_and_test_is_named(scenes_folder, scene, noisy, save):
    save(scenes_folder / "a_7_clean.png", noisy(scene(2), 10, 1))
    save(scenes_folder / "a_7_noisy.png", noisy(scene(2), 10, 2))
    told = []
    prepare(scenes_folder, tell=told.append)
    assert "near-duplicate: 1 " in told[0]
    assert "a_2_clean.png" in told[0] and "one is train, the other test" in told[0]


def test_each_store_keeps_what_its_own_scenes_look_like(scenes_folder):
    train, test = prepare(scenes_folder, pairs=2)
    split = {entry["scene"]: entry["split"]
             for entry in json.loads((scenes_folder / "scenes.json").read_text())}
    for packed, wanted in ((train, "train"), (test, "test")):
        names = [seen.name.removeprefix(f"{packed.path}: ")
                 for seen in duplicates.of_store(packed.path)]
        assert sorted(names) == sorted(name for name in split if split[name] == wanted)
    told = []
    prepare(scenes_folder, tell=told.append, apart_from=duplicates.of_store(test.path))
    assert "near-duplicate: 2 " in told[0] and f"the other in {test.path}" in told[0]


def test_real_scenes(real_data, tmp_path):
    """Real photographs: aligned scenes raise no alarm, one that is off by 1.1 columns does."""
    wanted = {"canon5d2_toy", "canon80d_go", "sonya7ii_class", "nikon800_stair"}
    folder = tmp_path / "data"
    folder.mkdir()
    listed = json.loads((real_data / "polyu" / "scenes.json").read_text())
    listed = [entry for entry in listed if entry["scene"] in wanted]
    assert len(listed) == 4
    for entry in listed:
        for side in ("clean", "noisy"):
            (folder / entry[side]).symlink_to(real_data / "polyu" / entry[side])
    (folder / "scenes.json").write_text(json.dumps(listed))
    told = []
    train, test = prepare(folder, pairs=3, patch=128, tell=told.append)
    assert told[0].count("noisy lies") == 1 and "nikon800_stair_noisy.jpg: noisy lies" in told[0]
    assert "exposure" not in told[0] and "near-duplicate" not in told[0]
    assert ("sony-a7ii", 1600) in train.configurations
    record = test.records("paired")[2]
    row, col = record["position"]
    whole = images.read_rgb8(real_data / "polyu" / "nikon800_stair_noisy.jpg")
    np.testing.assert_array_equal(
        test.images("paired", "noisy")[2], whole[row : row + 128, col : col + 128]
    )
    assert 0.003 < record["level"] < 0.1


def test_report_text_and_json_agree():
    finding = preflight.Finding("unreadable", ("x.png",), "is empty")
    report = preflight.Report((finding,), (), 1)
    assert "unreadable: 1 (left out)\n    x.png: is empty" in report.text()
    assert report.json()["findings"] == [
        {"kind": "unreadable", "files": ["x.png"], "text": "is empty"}
    ]

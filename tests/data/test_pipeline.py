"""The batch of a step is a function of data, settings and the step's number alone."""

import collections
import itertools

import numpy as np
import pytest

from senm_jax.data import pipeline, store, symmetries, writing

ROWS = {"paired": 4, "source": 6, "target": 2}


def assert_equal(first: pipeline.Batch, second: pipeline.Batch) -> None:
    assert {d: set(v) for d, v in first.items()} == {d: set(v) for d, v in second.items()}
    for domain, arrays in first.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, second[domain][name])


@pytest.fixture
def pipe(small_store):
    return pipeline.Pipeline([small_store], ROWS, 16, seed=3)


def coded_store(path, patch=(9, 12), count=5, domains=("paired",), first=0):
    """Every pixel says where it is: patch, row, column; noisy is 255 - clean."""
    with writing.Writer(path, patch=patch, about={}) as writer:
        for i in range(first, first + count):
            image = np.empty((*patch, 3), np.uint8)
            image[..., 0] = i
            image[..., 1], image[..., 2] = np.indices(patch)
            for domain in domains:
                images = {"clean": image, "noisy": 255 - image}
                writer.add(
                    domain,
                    **{side: images[side] for side in store.SIDES[domain]},
                    camera=f"camera {i}",
                    source="x",
                )
    return store.Store.open(path)


def test_shapes_and_types(pipe):
    batch = pipe.batch_at(1)
    assert {d: sorted(v) for d, v in batch.items()} == {
        "paired": ["clean", "configuration", "level", "noisy"],
        "source": ["clean"],
        "target": ["configuration", "noisy"],
    }
    assert batch["source"]["clean"].shape == (6, 16, 16, 3)
    assert batch["source"]["clean"].dtype == np.uint8
    assert batch["target"]["configuration"].dtype == np.int32


def test_a_domain_without_rows_is_absent(small_store):
    pipe = pipeline.Pipeline([small_store], {"paired": 2, "source": 0, "target": 0}, 16, 0)
    assert set(pipe.batch_at(1)) == {"paired"}


def test_a_pure_function_of_the_step(pipe, small_store):
    forward = [pipe.batch_at(step) for step in range(1, 6)]
    for step in (4, 2, 5, 1, 3):
        assert_equal(pipe.batch_at(step), forward[step - 1])
    again = pipeline.Pipeline([store.Store.open(small_store.path)], ROWS, 16, seed=3)
    assert_equal(again.batch_at(4), forward[3])
    assert again.fingerprint == pipe.fingerprint
    assert not np.array_equal(forward[0]["source"]["clean"], forward[1]["source"]["clean"])


def test_the_seed_changes_every_domain(pipe, small_store):
    other = pipeline.Pipeline([small_store], ROWS, 16, seed=4)
    assert other.fingerprint != pipe.fingerprint
    for domain, side in (("paired", "clean"), ("source", "clean"), ("target", "noisy")):
        first, second = pipe.batch_at(1)[domain][side], other.batch_at(1)[domain][side]
        assert not np.array_equal(first, second)


def test_processes_share_the_one_global_batch(pipe):
    whole = pipe.batch_at(7)
    parts = [pipe.batch_at(7, index, 2) for index in range(2)]
    joined = {
        domain: {name: np.concatenate([p[domain][name] for p in parts]) for name in arrays}
        for domain, arrays in whole.items()
    }
    assert_equal(joined, whole)
    with pytest.raises(ValueError, match="rows.paired = 4 cannot be shared by 3 processes"):
        pipe.batch_at(1, 0, 3)


@pytest.mark.parametrize("threads", [0, 2])
def test_iterate_goes_on_where_it_is_told(pipe, threads):
    for step, batch in zip((5, 6, 7), pipe.iterate(5, 1, 2, threads=threads), strict=False):
        assert_equal(batch, pipe.batch_at(step, 1, 2))


def test_iterate_without_grain(pipe, monkeypatch):
    monkeypatch.setattr(pipeline, "grain", None)
    for step, batch in itertools.islice(enumerate(pipe.iterate(2), start=2), 3):
        assert_equal(batch, pipe.batch_at(step))


def test_steps_are_counted_from_one(pipe):
    with pytest.raises(ValueError, match="step 0: steps are counted from 1"):
        pipe.batch_at(0)
    with pytest.raises(ValueError, match="step 0"):
        pipe.iterate(0)


def test_pairs_stay_aligned_and_every_draw_is_uniform(tmp_path):
    """Each crop is found again in the data: its patch, window and symmetry are then counted."""
    crop, rows, steps = 4, 120, 40
    pipe = pipeline.Pipeline([coded_store(tmp_path / "s")], {"paired": rows}, crop, seed=0)
    counts = {name: collections.Counter() for name in ("patch", "window", "symmetry")}
    grid = np.stack(np.indices((crop, crop)), axis=-1).astype(np.uint8)
    turns = {symmetries.turned(grid, code).tobytes(): code for code in range(8)}
    for step in range(1, steps + 1):
        pairs = pipe.batch_at(step)["paired"]
        np.testing.assert_array_equal(pairs["noisy"], 255 - pairs["clean"])
        for image in pairs["clean"]:
            corner = image[..., 1:].min((0, 1))
            symmetry = turns[np.ascontiguousarray(image[..., 1:] - corner).tobytes()]
            assert (image[..., 0] == image[0, 0, 0]).all()
            counts["patch"][int(image[0, 0, 0])] += 1
            counts["window"][tuple(corner.tolist())] += 1
            counts["symmetry"][symmetry] += 1
    expected = {"patch": 5, "window": 6 * 9, "symmetry": 8}
    assert (5, 8) in counts["window"] and (0, 0) in counts["window"]
    for name, kinds in expected.items():
        assert len(counts[name]) == kinds
        mean = rows * steps / kinds
        chi_square = sum((n - mean) ** 2 / mean for n in counts[name].values())
        assert chi_square < kinds - 1 + 5 * np.sqrt(2 * (kinds - 1)), name


def test_domains_of_one_step_are_drawn_apart(tmp_path):
    domains = ("paired", "source", "target")
    pipe = pipeline.Pipeline(
        [coded_store(tmp_path / "s", domains=domains)], dict.fromkeys(domains, 8), 4, seed=0
    )
    batch = pipe.batch_at(1)
    assert not np.array_equal(batch["paired"]["clean"], batch["source"]["clean"])
    assert not np.array_equal(batch["paired"]["noisy"], batch["target"]["noisy"])


def test_configurations_count_over_all_stores(tmp_path):
    stores = [coded_store(tmp_path / "b", count=2, first=2), coded_store(tmp_path / "a", count=2)]
    pipe = pipeline.Pipeline(stores, {"paired": 64}, 4, seed=0)
    assert pipe.configurations == [(f"camera {i}", None) for i in range(4)]
    pairs = pipe.batch_at(1)["paired"]
    np.testing.assert_array_equal(pairs["configuration"], pairs["clean"][:, 0, 0, 0])
    assert set(pairs["configuration"]) == {0, 1, 2, 3}


def test_the_level_is_that_of_the_crop_s_patch(tmp_path):
    holder = coded_store(tmp_path / "s")
    pairs = pipeline.Pipeline([holder], {"paired": 64}, 4, seed=0).batch_at(1)["paired"]
    levels = np.array([record["level"] for record in holder.records("paired")], np.float32)
    assert len(set(levels.tolist())) == len(levels)
    np.testing.assert_array_equal(pairs["level"], levels[pairs["clean"][:, 0, 0, 0]])


def shares(stores, weights) -> list[float]:
    pipe = pipeline.Pipeline(stores, {"paired": 400}, 4, seed=0, weights=weights)
    patches = np.concatenate([pipe.batch_at(s)["paired"]["clean"][:, 0, 0, 0] for s in (1, 2, 3)])
    return [float(np.mean(patches < 9)), float(np.mean(patches == 9))]


def test_stores_are_drawn_by_patch_count_or_weight(tmp_path):
    stores = [
        coded_store(tmp_path / "a", count=9),
        coded_store(tmp_path / "b", count=1, first=9, patch=(6, 6)),
    ]
    np.testing.assert_allclose(shares(stores, None), [0.9, 0.1], atol=0.05)
    np.testing.assert_allclose(shares(stores, (1.0, 3.0)), [0.25, 0.75], atol=0.07)
    assert shares(stores, (0.0, 1.0)) == [0, 1]


def test_a_store_without_the_domain_takes_no_share(tmp_path):
    stores = [
        coded_store(tmp_path / "a", count=2, domains=("source",)),
        coded_store(tmp_path / "b", count=2, first=2),
    ]
    pipe = pipeline.Pipeline(stores, {"paired": 8, "source": 8}, 4, seed=0, weights=(5.0, 1.0))
    batch = pipe.batch_at(1)
    assert batch["paired"]["clean"][:, 0, 0, 0].min() >= 2
    assert batch["source"]["clean"][:, 0, 0, 0].max() < 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": {"pared": 1}}, "config.data.rows: expected counts of"),
        ({"rows": {"paired": 0}}, "at least one above 0"),
        ({"rows": {"paired": -1}}, "config.data.rows: expected counts"),
        ({"rows": {"source": 1}}, "config.data.rows.source = 1, but no store has source patches"),
        ({"stores": []}, "config.data.stores is empty"),
        ({"crop": 10}, "config.data.crop = 10 does not fit the 9 x 12 patches"),
        ({"crop": 0}, "config.data.crop = 0 does not fit"),
        ({"weights": (1.0, 2.0)}, "config.data.weights: expected 1 non-negative"),
        ({"weights": (-1.0,)}, "config.data.weights: expected 1 non-negative"),
        ({"weights": (0.0,)}, "every store that holds paired patches has weight 0"),
    ],
)
def test_bad_settings_are_refused(tmp_path, arguments, message):
    settings = {"stores": [coded_store(tmp_path / "s")], "rows": {"paired": 1}, "crop": 4}
    with pytest.raises(ValueError, match=message):
        pipeline.Pipeline(**settings | {"seed": 0} | arguments)


def test_fingerprint_follows_every_setting(tmp_path):
    first, second = coded_store(tmp_path / "a"), coded_store(tmp_path / "b", first=1)
    found = {
        pipeline.Pipeline(*arguments).fingerprint
        for arguments in (
            ([first], {"paired": 1}, 4, 0),
            ([second], {"paired": 1}, 4, 0),
            ([first, second], {"paired": 1}, 4, 0),
            ([first, second], {"paired": 1}, 4, 0, (1.0, 2.0)),
            ([first], {"paired": 2}, 4, 0),
            ([first], {"paired": 1}, 5, 0),
            ([first], {"paired": 1}, 4, 1),
        )
    }
    assert len(found) == 7


def test_configurations_count_in_the_names_that_are_given(tmp_path):
    holder = coded_store(tmp_path / "a", count=2)
    names = ("another", "camera 1", "camera 0")
    pipe = pipeline.Pipeline([holder], {"paired": 32}, 4, seed=0, names=names)
    pairs = pipe.batch_at(1)["paired"]
    np.testing.assert_array_equal(pairs["configuration"], 2 - pairs["clean"][:, 0, 0, 0])
    plain = pipeline.Pipeline([holder], {"paired": 32}, 4, seed=0)
    assert plain.fingerprint != pipe.fingerprint


def test_a_noisy_patch_of_an_unnamed_configuration_is_refused(tmp_path):
    stores = [coded_store(tmp_path / "a", count=3, domains=("paired", "source"))]
    message = r"a: 1 paired patches are of camera 2, which .* does not name: camera 0, camera 1"
    with pytest.raises(ValueError, match=message):
        pipeline.Pipeline(stores, {"paired": 1}, 4, seed=0, names=("camera 0", "camera 1"))
    pipeline.Pipeline(stores, {"source": 1}, 4, seed=0, names=("camera 0",))  # nothing noisy


def enlarged_store(path, scale=4, small=(5, 6), count=3):
    """Pairs whose clean pixels each equal the noisy pixel that they lie in; those say where."""
    patch = tuple(scale * length for length in small)
    with writing.Writer(path, patch=patch, about={}, scale=scale) as writer:
        for i in range(count):
            noisy = np.stack([np.full(small, i), *np.indices(small)], -1).astype(np.uint8)
            clean = noisy.repeat(scale, 0).repeat(scale, 1)
            clean[::scale, ::scale] += 100  # the upper left one of each
            writer.add("paired", clean=clean, noisy=noisy, source=f"{i}")
    return store.Store.open(path)


def test_the_clean_crop_is_larger_at_the_same_place_and_turned_alike(tmp_path):
    pipe = pipeline.Pipeline([enlarged_store(tmp_path / "s")], {"paired": 64}, 3, seed=0)
    rows = pipe.batch_at(1)["paired"]
    assert rows["noisy"].shape == (64, 3, 3, 3) and rows["clean"].shape == (64, 12, 12, 3)
    assert np.isnan(rows["level"]).all()
    marked = rows["clean"] >= 100
    inner = np.where(marked, rows["clean"] - 100, rows["clean"])
    np.testing.assert_array_equal(inner, rows["noisy"].repeat(4, 1).repeat(4, 2))
    corners = marked[..., 0].reshape(64, 3, 4, 3, 4).all((1, 3))
    assert (corners.sum((1, 2)) == 1).all()  # one corner, of each noisy pixel the same
    assert corners[:, ::3, ::3].any(0).all() and corners[:, ::3, ::3].any((1, 2)).all()


def test_the_noisy_side_is_drawn_as_from_a_store_of_one_size(tmp_path):
    enlarged = enlarged_store(tmp_path / "s")
    with writing.Writer(tmp_path / "one", patch=(5, 6), about={}) as writer:
        for image in enlarged.images("paired", "noisy")[:]:
            writer.add("paired", clean=image, noisy=image, source="x")
    first, second = (
        pipeline.Pipeline([each], {"paired": 9}, 3, seed=1).batch_at(4)["paired"]["noisy"]
        for each in (enlarged, store.Store.open(tmp_path / "one")))
    np.testing.assert_array_equal(first, second)


def test_scales_that_do_not_fit_are_refused(tmp_path):
    four, two = enlarged_store(tmp_path / "four"), enlarged_store(tmp_path / "two", 2)
    with pytest.raises(ValueError, match="stores of one scale.*four of 4, .*two of 2"):
        pipeline.Pipeline([four, two], {"paired": 2}, 3, seed=0)
    with pytest.raises(ValueError, match="data.crop = 6 does not fit the 5 x 6 noisy patches"):
        pipeline.Pipeline([four], {"paired": 2}, 6, seed=0)

"""The measurement runs on a store of its own and on given ones."""

from senm_jax.data import bench


def test_measure(small_store):
    for stores, crop in (((), 64), ((small_store.path,), 16)):
        found = bench.measure(stores, crop=crop, seconds=0.1)
        assert found["crop"] == crop
        assert set(found["rows"]) == {"paired", "source", "target"}
        assert min(found[rate] for rate in ("per_core", "one_thread", "ahead")) > 0

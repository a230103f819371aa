import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.training import trees

TREE = {"b": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}, "a": np.int32(7)}


def test_the_digest_never_changes_between_versions():
    expected = "f46177547e9bfb79"
    assert trees.digest(TREE).startswith(expected)


@pytest.mark.parametrize("other", [
    {"b": {"kernel": np.arange(6, dtype=np.float32).reshape(3, 2)}, "a": np.int32(7)},
    {"b": {"kernel": np.arange(6, dtype=np.int32).reshape(2, 3)}, "a": np.int32(7)},
    {"b": {"weight": np.arange(6, dtype=np.float32).reshape(2, 3)}, "a": np.int32(7)},
    {"b": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}, "a": np.int32(8)},
])
def test_the_digest_sees_values_shapes_types_and_names(other):
    assert trees.digest(other) != trees.digest(TREE)


def test_the_digest_does_not_see_where_arrays_lie_or_what_holds_them():
    on_device = {"b": {"kernel": jnp.asarray(TREE["b"]["kernel"])}, "a": jnp.int32(7)}
    assert trees.digest(on_device) == trees.digest(TREE)
    assert trees.digest({"x": [np.float32(1), np.float32(2)]}) == trees.digest(
        {"x": (np.float32(1), np.float32(2))})


def test_the_first_leaf_that_is_not_finite_is_named():
    assert trees.not_finite(TREE) is None
    assert trees.not_finite({**TREE, "c": [np.float32(1), jnp.array([1.0, np.inf])]}) == "c/1"

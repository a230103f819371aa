"""A small store, and the toy among the methods."""

import pytest
from training import toy


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return toy.write_store(tmp_path_factory.mktemp("data") / "store")


@pytest.fixture(autouse=True, scope="module")
def toys():
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        yield

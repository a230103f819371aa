"""A small store, and the toy method in place of every method."""

import pytest
from training import toy


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return toy.write_store(tmp_path_factory.mktemp("data") / "store")


@pytest.fixture
def toys(monkeypatch):
    toy.install(monkeypatch)

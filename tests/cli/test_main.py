import os
import pathlib
import re
import sys

import pytest

from senm_jax.cli import main

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def restarts(monkeypatch, tmp_path):
    """Command lines that the process was started again with, while it is a command of its own."""
    found = []
    monkeypatch.setattr(os, "execv", lambda program, words: found.append(words))
    monkeypatch.setattr(sys, "argv", ["senm-jax", "inspect", str(tmp_path / "nothing")])
    monkeypatch.setattr(main, "_show_messages", lambda: None)  # it would outlast the test
    monkeypatch.setattr(main.platform, "libc_ver", lambda: ("glibc", "2.36"))
    return found


def test_a_command_starts_once_more_with_its_allocator(restarts, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "")  # so that the variable is put back
    monkeypatch.delenv("GLIBC_TUNABLES")
    main.main()
    assert restarts == [sys.orig_argv] and os.environ["GLIBC_TUNABLES"] == main.ALLOCATOR
    main.main()
    assert len(restarts) == 1


def test_settings_of_the_user_s_own_stay(restarts, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=0")
    assert main.main() == 1 and not restarts


@pytest.mark.parametrize("words, message", [
    ("data --crop 0", "--crop: expected 1 or more, got 0"),
    ("data --crop 300 --seconds 0.1", "--crop: expected at most 256, the stores' patches, got 300"),
    ("data --seconds 0", "--seconds: expected a time above 0, got 0.0"),
    ("step --config {white}:tiny --repeats 0", "--repeats: expected 1 or more, got 0"),
    ("step --config {white}:tiny", "white_gaussian learns nothing, it has no training step"),
    ("sample --config {senm}:tiny --side 63", "--side: expected a multiple of 2, .* got 63"),
])
def test_what_bench_cannot_measure_is_refused_by_its_flag(words, message, capsys):
    files = {name: ROOT / "configs" / folder / "polyu.py"
             for name, folder in (("white", "white_gaussian"), ("senm", "senm_vae"))}
    assert main.main(["bench", *words.format(**files).split()]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_call_from_python_is_not_started_again(restarts, monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert main.main(["inspect", sys.argv[2]]) == 1 and not restarts

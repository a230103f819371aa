"""How programs are compiled, and what memory is given back after."""

import os
import platform as platform_
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from senm_jax.cli import main
from senm_jax.training import platform

FLAG = "jax_disable_most_optimizations"


@pytest.fixture
def less():
    before = jax.config.read(FLAG)
    yield lambda asked: jax.config.update(FLAG, asked)
    jax.config.update(FLAG, before)


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr(platform, "PACKAGES", ("jax", "no-such-package"))
    assert platform.facts()["packages"] == {"jax": jax.__version__, "no-such-package": ""}


@pytest.mark.parametrize("backend, asked, options", [
    ("cpu", False, {"xla_backend_optimization_level": 1}),
    ("cpu", True, None),
    ("gpu", False, None),
])
def test_programs_are_compiled_at_the_first_level_on_cpu_alone(
        backend, asked, options, less, monkeypatch):
    given = {}
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "jit", lambda function, **rest: given.update(rest) or function)
    less(asked)
    platform.jit(jnp.sin, donate_argnums=0)
    assert given == {"compiler_options": options, "donate_argnums": 0}


def test_the_compiler_knows_the_level(less):
    less(False)
    assert platform.jit(jnp.square)(3.0) == 9


HELD = """
import pathlib
from senm_jax.training import platform
def held():
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096
"""
SCRAPS = HELD + """
blocks = [bytearray(10**6) for _ in range(300)]
last = bytearray(10**6)
del blocks
before = held()
platform.make_room(0)
print(before - held())
"""
LATER_SCRAPS = HELD + """
import time
platform.make_room({block})
blocks = [bytearray(10**6) for _ in range(300)]
last = bytearray(10**6)
del blocks
before = held()
time.sleep(3)
print(before - held())
"""
BLOCK = HELD + """
platform.make_room({block})
step, behind = bytearray({size} * 10**6), bytearray(10**6)
before = held()
del step
print(before - held())
"""
glibc_alone = pytest.mark.skipif(
    platform_.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")


def given_back(program):
    """Bytes that a program prints which ran with the command line's allocator."""
    told = {**os.environ, "GLIBC_TUNABLES": main.ALLOCATOR}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True)
    return int(ran.stdout)


@glibc_alone
def test_memory_freed_below_what_is_in_use_is_given_back_after_compiling():
    assert given_back(SCRAPS) > 250e6


@glibc_alone
@pytest.mark.parametrize("block, size, back", [
    (platform.LARGE - 1, 300, False), (platform.LARGE, 300, True), (platform.LARGE, 20, False)])
def test_large_blocks_are_given_back_after_use_for_large_programs_alone(block, size, back):
    found = given_back(BLOCK.format(block=block, size=size))
    assert found == pytest.approx(size * 10**6 if back else 0, abs=5e6)


@glibc_alone
@pytest.mark.parametrize("block, back", [(platform.LARGE - 1, False), (platform.LARGE, True)])
def test_what_large_programs_free_later_is_given_back_too(block, back):
    found = given_back(LATER_SCRAPS.format(block=block))
    assert found == pytest.approx(300e6 if back else 0, abs=50e6)

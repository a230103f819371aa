"""What must be settled before JAX starts, and the facts of a machine that decide a run's bits."""

import ctypes
import functools
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import threading
import time
from collections.abc import Callable

import jax

import senm_jax

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")
LARGE = 2**30
"""Bytes of a program's block from which memory weighs more than the time to map it anew."""
_LESS = "jax_disable_most_optimizations"
_M_MMAP_THRESHOLD, _M_MMAP_MAX = -3, -4  # of mallopt


def start(
    *, cpu_devices: int = 1, deterministic: bool = False, distributed: bool = False
) -> None:
    """Prepares JAX; call it before the first array. Later calls change nothing that has started.

    On CPU there will be ``cpu_devices`` virtual devices. One is the fastest where XLA spreads a
    convolution over all cores, as it does since jax 0.12, and a run's bits then do not depend on
    their number (0: one per core, for jax before that). ``deterministic`` asks for
    reproducible GPU operations; ``distributed`` joins the processes that a cluster has started,
    as ``jax.distributed.initialize`` finds them. Compiled programs are kept in the folder that
    SENM_CACHE names (default: ``senm-jax`` in the user's cache folder; empty: not kept).
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if deterministic and "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
    if "xla_force_host_platform_device_count" not in flags:
        try:
            jax.config.update("jax_num_cpu_devices", cpu_devices or cores())
        except RuntimeError:
            pass  # the backend runs already, with the devices it has
    if distributed:
        jax.distributed.initialize()
    folder = _cache_folder()
    if folder and not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def jit(function: Callable, **options) -> Callable:
    """``jax.jit`` for whole networks: on CPU at the first of XLA's levels of optimisation.

    The higher ones take a third to four fifths of the time to compile and gain none to run. Where
    JAX is told to optimise still less (JAX_DISABLE_MOST_OPTIMIZATIONS), that holds.
    """
    ours = jax.default_backend() == "cpu" and not jax.config.read(_LESS)
    level = {"xla_backend_optimization_level": 1} if ours else None
    return jax.jit(function, compiler_options=level, **options)


def make_room(block: int) -> None:
    """Readies memory for a compiled program that takes ``block`` bytes anew each time it runs.

    What compiling freed is returned to the system. For blocks of `LARGE` and more, so is from now
    on all that this process takes in 32 MiB or more, as soon as it is freed: kept, as the command
    line has it, such a block is now and then a few bytes too short for the next run's, which is
    then taken beside it. And what is freed of the rest is returned each second: each convolution's
    scratch, some MB, else comes to lie in another of the holes that compiling left, until all are
    in use. Does nothing but with glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    if block >= LARGE:
        libc.mallopt(_M_MMAP_THRESHOLD, 2**25)  # the highest it takes
        libc.mallopt(_M_MMAP_MAX, 2**16)  # its own default
        _trim_each_second()


@functools.cache
def _trim_each_second() -> None:
    """Starts what returns freed memory as long as the process lives."""

    def trim():
        libc = ctypes.CDLL(None)
        while True:
            time.sleep(1)
            libc.malloc_trim(0)

    threading.Thread(target=trim, name="malloc_trim", daemon=True).start()


def cores() -> int:
    """Number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def facts() -> dict:
    """What a run's bits depend on beside its config and data, for run.json."""
    device = jax.devices()[0]
    return {
        "senm_jax": senm_jax.__version__,
        "git": _git(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "backend": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
        "processes": jax.process_count(),
        "cores": cores(),
        "NPROC": os.environ.get("NPROC", ""),
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
    }


def _version(package: str) -> str:
    """"" where it is not installed, as grain need not be."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cache_folder() -> pathlib.Path | None:
    asked = os.environ.get("SENM_CACHE")
    if asked is not None:
        return pathlib.Path(asked) if asked else None
    try:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    except RuntimeError:  # a user without a home, as in some containers
        return None
    return pathlib.Path(base) / "senm-jax"


def _git() -> str:
    """Commit of the checkout the package runs from, "+" after it where files differ; or ""."""
    checkout = pathlib.Path(senm_jax.__file__).parents[1]
    if not (checkout / ".git").exists():
        return ""
    try:
        commit, changes = (
            subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, text=True,
                           check=True, timeout=10).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return commit + ("+" if changes else "")

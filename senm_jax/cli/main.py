"""The command line's front door; it imports a command's file only when it is asked for."""

import argparse
import importlib
import logging
import os
import platform
import sys

import senm_jax
from senm_jax.training import overrides

COMMANDS = {
    "prepare": "pack photographs into a patch store",
    "train": "train a method from a config",
    "inspect": "say what a run is: config, checkpoints, parameters, digest",
    "synthesize": "make training pairs from clean images with a trained noise model",
    "degrade": "degrade clean images in a known way: noise, blur, JPEG, a camera's pipeline",
    "restore": "restore images with a trained restorer",
    "evaluate": "measure a noise model or a restorer and write a report",
    "protocol": "train and measure the restorers of a paper's table",
    "quickstart": "run the main job at tiny size on photographs that need no download",
    "import-checkpoint": "make a run of an official checkpoint",
    "export-checkpoint": "write a run's network as an official checkpoint",
    "bench": "measure the data pipeline, a training step or generation",
}

ALLOCATOR = ("glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.arena_max=1:"
             "glibc.malloc.trim_threshold=1000000000000")
"""Memory in large pages, kept when freed. XLA takes its memory anew for every step on a CPU, and
by glibc's defaults the system maps it page by page each time. Only very large steps have it so
after all (`senm_jax.training.platform.make_room`)."""


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 refused or failed, 2 bad usage.

    Without ``argv`` the process is a command of its own and is started with `ALLOCATOR`.
    """
    alone = argv is None
    argv = sys.argv[1:] if alone else argv
    parser = argparse.ArgumentParser(
        prog="senm-jax", description=senm_jax.__doc__, epilog="senm-jax COMMAND --help tells more."
    )
    parser.add_argument("--version", action="version", version=senm_jax.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        child = commands.add_parser(name, help=summary, description=summary)
        if name == asked:
            module = importlib.import_module(f"senm_jax.cli.{name.replace('-', '_')}")
            module.add_arguments(child)
            child.set_defaults(run=module.run)
    try:
        argv, changes = overrides.split(argv)
    except ValueError as error:
        parser.error(str(error))
    args = parser.parse_args(argv)
    args.overrides = changes
    if changes and not hasattr(args, "config"):
        parser.error(f"{args.command} takes no {overrides.PREFIX}KEY=VALUE")
    if alone:
        _settle_allocator()
        _show_messages()
    try:
        if not 0 <= getattr(args, "seed", 0) < 2**63:
            raise ValueError(f"--seed: expected 0 to 2**63 - 1, got {args.seed}")
        return args.run(args) or 0
    except (ValueError, OSError) as error:
        print(f"senm-jax {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"senm-jax {args.command}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not _of_another_network(error):
            raise
        print(f"senm-jax {args.command}: the run's parameters are not those of the network that "
              "this version builds from its config; use the commit that its run.json names, or "
              f"train it again: {error}", file=sys.stderr)
        return 1


def _of_another_network(error: Exception) -> bool:
    """Whether a network was given parameters of other names or shapes than its own."""
    from flax import errors  # not above: --help waits for neither it nor JAX

    return isinstance(error, (errors.ScopeParamShapeError, errors.ScopeParamNotFoundError))


def _settle_allocator() -> None:
    """Starts this process again with `ALLOCATOR`, which glibc reads at the start alone.

    Does nothing on another C library, nor where GLIBC_TUNABLES is set already.
    """
    if platform.libc_ver()[0] == "glibc" and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = ALLOCATOR
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)


def _show_messages() -> None:
    """Prints the package's own messages to stderr, of other packages only what went wrong, and
    whatever name a file has."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("senm_jax")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    # What orbax's reads of a damaged checkpoint leave behind; the error itself is reported.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8

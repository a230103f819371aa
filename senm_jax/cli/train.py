"""``senm-jax train``: trains a method from a config, or goes on with a run."""

import argparse
import pathlib

from senm_jax.training import overrides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.description = (
        "Trains a method. The same command again goes on where a run was stopped or killed, and "
        "so does --workdir alone."
    )
    parser.epilog = "--config.KEY=VALUE changes a setting, as --config.steps=1000."
    parser.add_argument("--config", metavar="FILE[:PRESET]",
                        help="a config file, as configs/senm_vae/polyu.py:tiny")
    parser.add_argument("--workdir", required=True, metavar="DIR", type=pathlib.Path,
                        help="the run's folder")
    parser.add_argument("--distributed", action="store_true",
                        help="be one of the processes that SLURM, a TPU pod, Open MPI or "
                        "Kubernetes started, one a host; all must see the same DIR")


def run(args: argparse.Namespace) -> int:
    """Trains; returns 0 when the run came to its last step, 130 when it was stopped before."""
    from senm_jax.training import platform

    config = _config(args)
    platform.start(cpu_devices=max(config.mesh.data * config.mesh.model, 1),
                   deterministic=config.compute.deterministic, distributed=args.distributed)

    from senm_jax.training import loop, runs

    trained = loop.train(config, args.workdir)
    print(f"{args.workdir}: step {trained.step} of {config.steps}, parameters "
          f"{runs.digests(trained.variables)['total']}")
    return 0 if trained.step >= config.steps else 130


def _config(args: argparse.Namespace):
    """The config of the file, or of the run in the folder, with the changes asked for."""
    from ml_collections import config_dict

    from senm_jax.training import runs, settings

    if args.config:
        config = overrides.load(args.config)
    elif (args.workdir / "config.json").exists():
        stored = settings.tuples(settings.plain(runs.read_config(args.workdir)))
        config = config_dict.ConfigDict(stored, convert_dict=True).lock()
    else:
        raise ValueError(
            f"{args.workdir}: holds no run to go on with; name a config by --config FILE[:PRESET]"
        )
    return settings.resolve(overrides.apply(config, args.overrides))

"""``senm-jax import-checkpoint``: makes a run of an official checkpoint."""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.epilog = (
        "FILE is one of PyTorch, safetensors or NumPy (.npz); nothing in it is run. The network's "
        "sizes are read off it. What it does not say (how images are treated, how training would "
        "go on) is as in --config, where --config.KEY=VALUE changes it."
    )
    parser.add_argument("--system", required=True, metavar="NAME",
                        help="whose it is, as senm-vae or dncnn; a wrong name lists all")
    parser.add_argument("file", metavar="FILE", help="weights of the generator, flow or restorer")
    parser.add_argument("--part", action="append", default=[], metavar="NAME=FILE", dest="parts",
                        help="another network of the system, as level-predictor=FILE or "
                        "discriminator=FILE of senm-vae; may be given again")
    parser.add_argument("--config", metavar="FILE[:PRESET]",
                        help="a config file, as configs/lud_vae/sidd.py (default: the method's "
                        "own defaults, no stores)")
    parser.add_argument("--out", required=True, metavar="RUN", help="the run's folder, a new one")


def run(args: argparse.Namespace) -> int:
    """Imports; returns 0."""
    from senm_jax.training import overrides, platform

    parts = [word.partition("=")[::2] for word in args.parts]
    if not all(name and file for name, file in parts):
        raise ValueError(f"--part: expected NAME=FILE, got {' '.join(args.parts)}")
    if args.overrides and not args.config:
        raise ValueError("--config.KEY=VALUE: name the config that it changes, by --config")
    platform.start(cpu_devices=1)

    from senm_jax.interop import checkpoints, systems
    from senm_jax.training import runs, settings

    config = None
    if args.config:
        config = settings.resolve(overrides.apply(overrides.load(args.config), args.overrides))
    paths = {systems.find(args.system).main: args.file, **dict(parts)}
    imported = checkpoints.load(args.system, paths, args.out, config)
    print(f"{args.out}: a run of {imported.run.config.method}, parameters "
          f"{runs.digests(imported.run.variables)['total']}")
    for part in imported.fresh:
        print(f"no file of {part}: it has fresh values", file=sys.stderr)
    return 0

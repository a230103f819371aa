"""``senm-jax bench``: what the data pipeline, a training step or generation costs."""

import argparse
import math


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    data = kinds.add_parser("data", help="crops per second of patch stores")
    data.add_argument("--store", action="append", default=[], metavar="DIR",
                      help="a patch store; without one, a temporary store of random pixels")
    data.add_argument("--crop", type=int, default=64, metavar="PIXELS")
    data.add_argument("--seconds", type=float, default=4.0)
    for name, summary in (("step", "one training step of a config"),
                          ("sample", "generation with a config's network")):
        kind = kinds.add_parser(name, help=summary)
        kind.add_argument("--config", required=True, metavar="FILE[:PRESET]")
        kind.add_argument("--repeats", type=int, default=5, help="the least time counts")
        kind.add_argument("--devices", type=int, default=1, metavar="N",
                          help="virtual devices on CPU; 0: one per core")
        if name == "sample":
            kind.add_argument("--side", type=int, default=256, metavar="PIXELS")
            kind.add_argument("--images", type=int, default=1, metavar="N", help="at a time")


def run(args: argparse.Namespace) -> int:
    """Measures and prints one figure a line."""
    low = {"crop": 1, "repeats": 1, "devices": 0, "side": 1, "images": 1}
    for flag, least in low.items():
        if getattr(args, flag, least) < least:
            raise ValueError(f"--{flag}: expected {least} or more, got {getattr(args, flag)}")
    if args.kind == "data":
        if not 0 < args.seconds < math.inf:
            raise ValueError(f"--seconds: expected a time above 0, got {args.seconds}")
        from senm_jax.data import bench

        return _print(bench.measure(args.store, args.crop, args.seconds))

    from senm_jax.training import overrides, platform, settings

    config = settings.resolve(overrides.apply(overrides.load(args.config), args.overrides))
    platform.start(cpu_devices=args.devices, deterministic=config.compute.deterministic)

    import jax

    from senm_jax.training import assembly, bench

    with jax.default_matmul_precision(assembly.precision(config)):
        if args.kind == "step":
            return _print(bench.step(config, args.repeats))
        method = settings.make_method(config)
        if method.sample is None:
            raise ValueError(f"{args.config}: {config.method} is no noise model")
        if args.side % method.sample_reach.multiple:
            raise ValueError(f"--side: expected a multiple of {method.sample_reach.multiple}, on "
                             f"which the network works, got {args.side}")
        return _print(bench.sample(method, config, args.side, args.images, args.repeats))


def _print(figures: dict) -> int:
    width = max(map(len, figures))
    for name, value in figures.items():
        shown = f"{value:,.3f}" if isinstance(value, float) else value
        print(f"{name:{width}}  {shown}")
    return 0

"""``senm-jax restore``: restores images with a trained restorer."""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.epilog = (
        "Outputs keep their originals' names, bit depth, EXIF and size (times the restorer's "
        "scale); those that are there "
        "already are kept. Files that cannot be read are named and left out, and the exit status "
        "is 1 then."
    )
    parser.add_argument("--run", required=True, metavar="DIR", dest="run_dir",
                        help="the run of a restorer, or of a noise model that can restore")
    parser.add_argument("--step", type=int, help="take this checkpoint")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="images, or folders of images")
    parser.add_argument("--out", required=True, metavar="DIR", help="where restored images go")
    parser.add_argument("--overwrite", action="store_true", help="restore those there again")
    parser.add_argument("--level", type=float, metavar="STD",
                        help="of the noise, a standard deviation for pixels in [0, 1]; for "
                        "restorers that are told it (default: config.hyper.level)")
    parser.add_argument("--seed", type=int, default=0,
                        help="of a stochastic method's draws (default 0)")
    parser.add_argument("--self-ensemble", action="store_true",
                        help="the mean over the image's eight flips and turns, the papers' '+': "
                        "eight times the work")
    parser.add_argument("--tile", type=int, metavar="N",
                        help="side of the tiles larger images are cut into (default: by the "
                        "network's reach); the result is the same to float tolerance")
    parser.add_argument("--batch", type=int, metavar="N",
                        help="tiles computed together (default: by their size)")


def run(args: argparse.Namespace) -> int:
    """Restores; returns 1 where files were left out."""
    from senm_jax.training import platform

    for name in ("tile", "batch"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name}: expected at least 1, got {value}")
    platform.start()

    from senm_jax.inference import restore
    from senm_jax.training import runs

    opened = runs.open(args.run_dir, args.step)
    if args.level is not None:
        opened = runs.at_level(opened, args.level)
    summary = restore.restore(
        opened, args.paths, args.out, seed=args.seed, tile=args.tile, batch=args.batch,
        overwrite=args.overwrite, self_ensemble=args.self_ensemble,
    )
    print(f"{args.out}: {summary.made} images restored, {summary.kept} were there")
    for problem in summary.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if summary.problems:
        print(f"{len(summary.problems)} files were left out", file=sys.stderr)
    return int(bool(summary.problems))

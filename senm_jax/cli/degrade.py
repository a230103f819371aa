"""``senm-jax degrade``: degrades clean images in a known way."""

import argparse
import dataclasses
import sys

from senm_jax.degradations import parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags: the common ones, and one for each parameter of the kinds."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join([
        "kinds, their parameters and defaults:",
        *(f"  {name:16}{kind.__doc__.splitlines()[0]}\n" + "\n".join(
            f"  {'':16}{field.name}={parameters.text(field.default)}"
            for field in dataclasses.fields(kind)
        ) for name, kind in parameters.KINDS.items()),
        "",
        "A:B is a range to draw from for each image, or a list. Outputs keep their originals'",
        "names, bit depth and EXIF (those of JPEG and WebP files become PNG); those that are there",
        "already are kept. Files that cannot be used are named and left out, and the exit status",
        "is 1 then.",
    ])
    parser.add_argument("--kind", required=True, metavar="NAME[,KEY=VALUE...]",
                        help="one of the kinds below")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="images, or folders of images")
    parser.add_argument("--out", required=True, metavar="DIR", help="where degraded images go")
    parser.add_argument("--overwrite", action="store_true", help="make those there again")
    parser.add_argument("--seed", type=int, default=0, help="of all random draws (default 0)")
    for name, (kinds, field) in _fields().items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE",
                            type=str if field.type is str else parameters.literal,
                            help=f"of {', '.join(kinds)}: {field.metadata['meaning']}")


def run(args: argparse.Namespace) -> int:
    """Degrades; returns 1 where files were left out."""
    name, values = parameters.split(args.kind)
    given = {key: getattr(args, key) for key in _fields()}
    of = parameters.build(
        name, values | {key: value for key, value in given.items() if value is not None}, name)

    from senm_jax.training import platform

    platform.start()

    from senm_jax.inference import degrade

    summary = degrade.degrade(of, args.paths, args.out, seed=args.seed, overwrite=args.overwrite)
    print(f"{args.out}: {summary.made} images degraded, {summary.kept} were there")
    for problem in summary.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if summary.problems:
        print(f"{len(summary.problems)} files were left out", file=sys.stderr)
    return int(bool(summary.problems))


def _fields() -> dict[str, tuple[list[str], dataclasses.Field]]:
    """Every parameter with the kinds that have it."""
    found = {}
    for name, kind in parameters.KINDS.items():
        for field in dataclasses.fields(kind):
            found.setdefault(field.name, ([], field))[0].append(name)
    return found

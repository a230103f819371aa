"""``senm-jax protocol``: a paper's downstream table, from stores to figures."""

import argparse
import pathlib

from senm_jax.evaluation import protocols


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Trains the restorers of a paper's table, a row for each store, by the protocol's config,\n"
        "measures them on the test stores and writes the table. Called again it goes on with\n"
        "trainings that were stopped, and measures again."
    )
    parser.epilog = (
        f"protocols:\n{protocols.listing()}\n\n--config.KEY=VALUE changes a setting of every row, "
        "as --config.steps=1000, --config.start=RUN\nor, of mixed pairs, "
        "--config.data.weights=REAL,SYNTHETIC (default: every pair is drawn alike)."
    )
    parser.add_argument("name", metavar="NAME", help="one of the protocols below")
    named = {"action": "append", "default": [], "metavar": "[NAME=]STORE"}
    parser.add_argument("--real", **named, help="a store of real pairs; may be given again")
    parser.add_argument("--synthetic", **named,
                        help="a store of synthetic pairs; given again, as of other noise models, "
                        "for a row each. Mixed with the real one, or of several with that of its "
                        "name")
    parser.add_argument("--validation", metavar="STORE", default="",
                        help="the store that chooses the checkpoint, by 12 centre crops spread "
                        "over it")
    parser.add_argument("--test", dest="tests", required=True, **named,
                        help="a store that is measured; may be given again")
    parser.add_argument("--out", required=True, metavar="DIR", type=pathlib.Path,
                        help="gets runs/ and report.html, report.md and report.json")
    parser.add_argument("--preset", choices=("cpu", "tiny"), default="",
                        help="smaller sizes of the same protocol")
    parser.add_argument("--configs", metavar="DIR", type=pathlib.Path,
                        default=pathlib.Path("configs"),
                        help="where the configs are (default: configs of a checkout one stands in)")
    parser.add_argument("--lpips", metavar="FILE",
                        help="measure LPIPS too, by these weights (senm_jax/metrics/lpips.py says "
                        "how to write them)")
    parser.add_argument("--limit", type=int, metavar="N",
                        help="measure N patches spread evenly over each test store")
    parser.add_argument("--batch", type=int, metavar="N",
                        help="patches restored together (default: by their size)")
    parser.set_defaults(config=None)  # --config.KEY=VALUE is taken


def run(args: argparse.Namespace) -> int:
    """Trains what is not trained, measures, writes the report; 130 where it was stopped."""
    from senm_jax.training import platform

    for flag in ("limit", "batch"):
        if getattr(args, flag) is not None and getattr(args, flag) < 1:
            raise ValueError(f"--{flag}: expected at least 1, got {getattr(args, flag)}")
    config = _config(args)
    platform.start(cpu_devices=max(config.mesh.data * config.mesh.model, 1),
                   deterministic=config.compute.deterministic)

    from senm_jax.data import files
    from senm_jax.evaluation import downstream, report
    from senm_jax.metrics import lpips

    files.require_writable(args.out)
    perceptual = lpips.load(args.lpips) if args.lpips else None
    stores = downstream.Stores(_named("--real", args.real), _named("--synthetic", args.synthetic),
                               _named("--test", args.tests), args.validation)
    rows = downstream.plan(protocols.find(args.name), config, stores, args.out)
    if not downstream.train(rows):
        return 130
    results = downstream.measure(rows, stores, limit=args.limit, batch=args.batch,
                                 perceptual=perceptual)
    parts = downstream.of_protocol(args.name, rows, results)
    written = report.write(args.out / "report.html", f"senm-jax protocol {args.name}", parts)
    print(report.table_markdown(parts[0].tables[0]))
    print("\n".join(str(path) for path in written))
    return 0


def _config(args: argparse.Namespace):
    """The protocol's config with the changes asked for."""
    from senm_jax.training import overrides

    for key, _ in args.overrides:
        if key in ("data.stores", "data.validation"):
            raise ValueError(f"--config.{key}: stores are named by --real, --synthetic and "
                             "--validation here")
    file = args.configs / protocols.find(args.name).config
    suffix = f":{args.preset}" if args.preset else ""
    if not file.is_file():
        raise ValueError(f"--configs: expected configs of a checkout, found no file {file}; "
                         "run it in a checkout, or name its folder configs")
    return overrides.apply(overrides.load(f"{file}{suffix}"), args.overrides)


def _named(flag: str, given: list[str]) -> dict[str, str]:
    """Paths by name: the one before "=", or that of the store's folder.

    Raises:
        ValueError: two have one name, or a name is no folder's.
    """
    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        path = path if equals else text
        name = name if equals else pathlib.Path(path).resolve().name
        if not name or "/" in name:
            raise ValueError(f"{flag} {text}: expected NAME=STORE, the name without a slash")
        if name in found:
            raise ValueError(f"{flag} {text}: a store is called {name} already; name it otherwise, "
                             f"as {flag} OTHER={path}")
        found[name] = path
    return found

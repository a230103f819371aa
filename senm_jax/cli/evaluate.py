"""``senm-jax evaluate``: measures what was trained on a test store, writes a report."""

import argparse
import pathlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    noise = kinds.add_parser(
        "noise", help="noise models: the named KLDs, AKLD, correlation, variance",
        description="Measure noise models against the real noise of a store of pairs.",
    )
    restorer = kinds.add_parser(
        "restorer", help="restorers: PSNR and SSIM by named protocol",
        description="Measure restorers on a store of pairs.",
    )
    cameras = kinds.add_parser(
        "configurations", help="camera configurations: confusion matrix, bits per dimension",
        description="Judge the camera configuration of each pair of a store.",
    )
    pgap = kinds.add_parser(
        "pgap", help="PSNR learnt from real pairs minus that learnt from synthetic pairs",
        description="Compare two restorers of one recipe, learnt from real and synthetic pairs.",
    )
    content = kinds.add_parser(
        "content", help="MMD of the contents that LUD-VAE infers from clean and noisy images",
        description="Measure whether the content that a model infers from the clean and from the "
        "noisy image of a pair has one distribution.",
    )
    latent = kinds.add_parser(
        "latent", help="what VDIR's latent tells: restoration under others' latents, t-SNE",
        description="Restore under the latents of other images, and map the latents of many, with "
        "white noise added to a store's clean patches.",
    )
    latent.add_argument("--beside", metavar="DIR", action="append", default=[],
                        help="another store: then only the latents of all stores' own noisy "
                        "patches are mapped; may be given again")
    for child in (noise, restorer, content, cameras, latent):
        # args.run is the command's function
        child.add_argument("--run", dest="runs", action="append", required=True, metavar="DIR",
                           help="a run's folder; give it again for a row each")
    pgap.add_argument("--real", required=True, metavar="RUN", help="the run that saw real pairs")
    pgap.add_argument("--synthetic", required=True, metavar="RUN",
                      help="the run that saw synthetic pairs")
    for child in (noise, restorer, pgap, content, cameras, latent):
        child.add_argument("--store", required=True, metavar="DIR", help="store of test pairs")
        child.add_argument("--out", required=True, metavar="DIR",
                           help="gets report.html, report.md and report.json")
        child.add_argument("--limit", type=int, metavar="N",
                           help="measure N patches spread evenly over the store" if child is not
                           latent else "map N crops (default 1000)")
        if child is not cameras:
            child.add_argument("--seed", type=int, default=0,
                               help="of the random draws (default 0)")
    restorer.add_argument("--self-ensemble", action="store_true",
                          help="restore by the mean over the image's eight flips and turns, the "
                          "papers' '+'")
    for child in (noise, restorer, pgap, cameras):
        child.add_argument("--batch", type=int, metavar="N",
                           help="patches computed together (default: by their size)")


def run(args: argparse.Namespace) -> None:
    """Measures, prints the first table, writes the report."""
    from senm_jax.training import platform

    platform.start()

    from senm_jax.data import store as store_
    from senm_jax.evaluation import (
        classification, configuration_section, content, latent, latent_section, noise, pgap, report,
        restoration, sections,
    )
    from senm_jax.training import runs

    options = {name: getattr(args, name)
               for name in ("seed", "limit", "batch", "self_ensemble") if name in args}
    if options.get("batch") is not None and args.batch < 1:
        raise ValueError(f"--batch: expected at least 1, got {args.batch}")
    if "beside" in args:
        options["beside"] = [store_.Store.open(path) for path in args.beside]
    store = store_.Store.open(args.store)
    if args.kind == "pgap":
        paths = [args.real, args.synthetic]
        opened = [runs.open(path) for path in paths]
        result = pgap.evaluate(*opened, store, names=tuple(_names(paths)), **options)
        parts = [sections.of_pgap(result),
                 sections.of_restorers([result.real, result.synthetic])]
    else:
        protocol, section = {
            "noise": (noise, sections.of_noise),
            "restorer": (restoration, sections.of_restorers),
            "configurations": (classification, configuration_section.of_configurations),
            "content": (content, sections.of_content),
            "latent": (latent, latent_section.of_latents),
        }[args.kind]
        opened = [runs.open(path) for path in args.runs]
        results = [protocol.evaluate(each, store, name=name, **options)
                   for each, name in zip(opened, _names(args.runs), strict=True)]
        parts = [section(results)]
    written = report.write(
        pathlib.Path(args.out) / "report.html", f"senm-jax evaluate {args.kind}", parts
    )
    print(report.table_markdown(parts[0].tables[0]))
    print("\n".join(str(path) for path in written))


def _names(paths: list[str]) -> list[str]:
    """Short names of the runs: their folders', or the whole paths where those repeat."""
    short = [pathlib.Path(path).resolve().name for path in paths]
    return short if len(set(short)) == len(short) else list(paths)

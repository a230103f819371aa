"""``senm-jax evaluate``: measures what was trained on a test store, writes a report."""

import argparse
import pathlib


KINDS = {
    "noise": ("noise models: the named KLDs, AKLD, correlation, variance",
              "Measure noise models against the real noise of a store of pairs."),
    "restorer": ("restorers: PSNR and SSIM by named protocol",
                 "Measure restorers on a store of pairs."),
    "configurations": ("camera configurations: confusion matrix, bits per dimension",
                       "Judge the camera configuration of each pair of a store."),
    "pgap": ("PSNR learnt from real pairs minus that learnt from synthetic pairs",
             "Compare restorers of one recipe, learnt from real and from synthetic pairs."),
    "content": ("MMD of the contents that LUD-VAE infers from clean and noisy images",
                "Measure whether the content that a model infers from the clean and from the noisy "
                "image of a pair has one distribution."),
    "degraded": ("restorers on clean photographs degraded in a known way",
                 "Degrade clean photographs and measure them as they are then (enlarged by bicubic "
                 "interpolation where they are smaller) and restored by each run."),
    "latent": ("what VDIR's latent tells: restoration under others' latents, t-SNE",
               "Restore under the latents of other images, and map the latents of many, with white "
               "noise added to a store's clean patches."),
}
"""What is measured: help and description by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    of = {name: kinds.add_parser(name, help=short, description=description)
          for name, (short, description) in KINDS.items()}
    for name, child in of.items():
        if name != "pgap":
            # args.run is the command's function
            child.add_argument("--run", dest="runs", action="append", default=[], metavar="DIR",
                               required=name != "degraded",
                               help="a run's folder; give it again for a row each")
        if name != "degraded":
            child.add_argument("--store", required=True, metavar="DIR", help="store of test pairs")
        child.add_argument("--out", required=True, metavar="DIR",
                           help="gets report.html, report.md and report.json")
        measured = {"degraded": "measure the first N photographs",
                    "latent": "map N crops (default 1000)"}
        child.add_argument("--limit", type=int, metavar="N", help=measured.get(
            name, "measure N patches spread evenly over the store"))
        if name != "configurations":
            child.add_argument("--seed", type=int, default=0,
                               help="of the random draws (default 0)")
        if name not in ("content", "latent"):
            child.add_argument("--batch", type=int, metavar="N",
                               help="patches computed together (default: by their size)")
    _add_own(of)


def _add_own(of: dict[str, argparse.ArgumentParser]) -> None:
    """The flags that one kind has alone."""
    of["pgap"].add_argument("--real", required=True, metavar="RUN",
                            help="the run that saw real pairs")
    of["pgap"].add_argument("--synthetic", required=True, metavar="RUN", action="append",
                            help="the run that saw synthetic pairs; give it again for a row each")
    of["noise"].add_argument("--configuration", metavar="aware|random|NAME", action="append",
                             help="the camera configuration that patches are given by a method "
                             "that tells them apart: read off the pair (aware, the default), one "
                             "at random for each patch, or the one named; give it again for a row "
                             "each")
    of["restorer"].add_argument("--self-ensemble", action="store_true",
                                help="restore by the mean over the image's eight flips and turns, "
                                "the papers' '+'")
    of["restorer"].add_argument("--lpips", metavar="FILE",
                                help="measure LPIPS too, by these weights "
                                "(senm_jax/metrics/lpips.py says how to write them)")
    of["degraded"].add_argument("--clean", required=True, metavar="DIR", help="clean photographs")
    of["degraded"].add_argument("--degrade", action="append", required=True,
                                metavar="NAME[,KEY=VALUE...]",
                                help="how, as awgn,sigma_255=30 or blur,scale=2,widths=2; give it "
                                "again for a table each; senm-jax degrade --help lists all")
    of["latent"].add_argument("--beside", metavar="DIR", action="append", default=[],
                              help="another store: then only the latents of all stores' own noisy "
                              "patches are mapped; may be given again")


def run(args: argparse.Namespace) -> None:
    """Measures, prints the first table, writes the report."""
    from senm_jax.training import platform

    platform.start()

    from senm_jax.data import files
    from senm_jax.data import store as store_
    from senm_jax.evaluation import (
        classification, configuration_section, content, latent, latent_section, noise, pgap,
        restoration, sections,
    )
    from senm_jax.inference import stream
    from senm_jax.metrics import lpips
    from senm_jax.training import runs

    files.require_writable(args.out)  # not only after all is measured
    options = {name: getattr(args, name)
               for name in ("seed", "limit", "batch", "self_ensemble") if name in args}
    if options.get("batch") is not None and args.batch < 1:
        raise ValueError(f"--batch: expected at least 1, got {args.batch}")
    if args.kind == "degraded":
        return _tell(args, _degraded(args))
    if "beside" in args:
        options["beside"] = [store_.Store.open(path) for path in args.beside]
    if getattr(args, "lpips", None):
        options["perceptual"] = lpips.load(args.lpips)
    store = store_.Store.open(args.store)
    if args.kind == "pgap":
        paths = [args.real, *args.synthetic]
        real, *synthetic = [runs.open(path) for path in paths]
        with stream.precision(real):  # the others' is the same, as all of their recipe is
            gaps = pgap.evaluate(real, synthetic, store, names=_names(paths), **options)
        restorers = [gaps[0].real, *(gap.synthetic for gap in gaps)]
        parts = [sections.of_pgap(gaps), sections.of_restorers(restorers)]
    elif args.kind == "noise":
        opened = [runs.open(path) for path in args.runs]
        rows = _noise_rows(opened, _names(args.runs), args.configuration or [noise.AWARE])
        results = [stream.precisely(noise.evaluate, each, store, name=name,
                                    configuration=configuration, **options)
                   for each, name, configuration in rows]
        parts = [sections.of_noise(results)]
    else:
        protocol, section = {
            "restorer": (restoration, sections.of_restorers),
            "configurations": (classification, configuration_section.of_configurations),
            "content": (content, sections.of_content),
            "latent": (latent, latent_section.of_latents),
        }[args.kind]
        opened = [runs.open(path) for path in args.runs]
        results = [stream.precisely(protocol.evaluate, each, store, name=name, **options)
                   for each, name in zip(opened, _names(args.runs), strict=True)]
        parts = [section(results)]
    _tell(args, parts)


def _degraded(args: argparse.Namespace) -> list:
    """A section for each degradation."""
    from senm_jax.data import degrading
    from senm_jax.degradations import parameters
    from senm_jax.evaluation import degraded, degraded_section
    from senm_jax.training import runs

    asked = [parameters.parse(text) for text in args.degrade]
    opened = dict(zip(_names(args.runs), map(runs.open, args.runs), strict=True))
    sections = []
    for of in asked:
        photographs = degraded.photographs(
            args.clean, degrading.Degrader(of), args.seed, args.limit)
        results = [degraded.untouched(photographs)]
        results += [degraded.restored(run, photographs, name=name, batch=args.batch)
                    for name, run in opened.items()]
        sections.append(degraded_section.of_degraded(photographs, results))
    return sections


def _tell(args: argparse.Namespace, parts: list) -> None:
    """Writes the report; prints the first table, or where each part has one, all."""
    from senm_jax.evaluation import report

    written = report.write(
        pathlib.Path(args.out) / "report.html", f"senm-jax evaluate {args.kind}", parts
    )
    for part in parts if args.kind == "degraded" else parts[:1]:
        if args.kind == "degraded":
            print(part.tables[0].title)
        print(report.table_markdown(part.tables[0]))
    print("\n".join(str(path) for path in written))


def _noise_rows(opened: list, names: list[str], configurations: list[str]) -> list[tuple]:
    """(run, name, configuration) of each row: of a run that tells configurations apart, one each;
    ValueError where none does but one was asked for."""
    from senm_jax.evaluation import noise

    if configurations != [noise.AWARE] and not any(run.method.configurations for run in opened):
        raise ValueError("--configuration: none of the runs tells camera configurations apart")
    return [
        (run, name if asked == noise.AWARE else f"{name}, configuration {asked}", asked)
        for run, name in zip(opened, names, strict=True)
        for asked in (configurations if run.method.configurations else [noise.AWARE])
    ]


def _names(paths: list[str]) -> list[str]:
    """Short names of the runs: their folders', or the whole paths where those repeat."""
    short = [pathlib.Path(path).resolve().name for path in paths]
    return short if len(set(short)) == len(short) else list(paths)

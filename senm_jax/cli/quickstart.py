"""``senm-jax quickstart``: the main job on photographs that need no download."""

import argparse
import pathlib
import shlex
import time

NAMES = ("SeNM-VAE", "white Gaussian")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.description = (
        "Runs the main job at tiny size: photographs from scikit-image, a simulated camera as the "
        "unknown degradation, and the commands that one would give for photographs of one's own, "
        "each printed before it runs. Started again, it goes on where it stopped."
    )
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, required=True,
                        help="gets the photographs, the stores, the runs and report.html")
    parser.add_argument("--configs", metavar="DIR", type=pathlib.Path,
                        default=pathlib.Path("configs/quickstart"),
                        help="where senm_vae.py, white_gaussian.py and dncnn.py are (default: "
                        "configs/quickstart of a checkout one stands in)")
    parser.add_argument("--preset", metavar="NAME", default="",
                        help="preset of these configs; tiny is a test of seconds")


def run(args: argparse.Namespace) -> int:
    """Runs every part that is not done yet, prints the table and names the report."""
    from senm_jax.training import platform

    if not args.configs.is_dir():
        raise ValueError(f"--configs: expected configs/quickstart of a checkout, found no folder "
                         f"{args.configs}")
    platform.start()

    from senm_jax.cli import main
    from senm_jax.data import embedded

    began, photographs = time.monotonic(), args.out / "photographs"
    if not photographs.exists():
        embedded.write(photographs, gains=(2.0, 3.0, 4.0))
    for made, words in commands(args.out, args.configs, args.preset):
        if made is not None and made.exists():
            continue
        print(f"\n$ senm-jax {shlex.join(words)}", flush=True)
        status = main.main(words)
        if status:
            return status
    print()
    for line in _report(args.out, 6 if args.preset == "tiny" else None):
        print(line)
    print(f"Took {(time.monotonic() - began) / 60:.1f} minutes.\nReport: {args.out}/report.html")
    return 0


def commands(
    out: pathlib.Path, configs: pathlib.Path, preset: str
) -> list[tuple[pathlib.Path | None, list[str]]]:
    """The chain's commands, each with what it makes; None where it goes on by itself."""
    photographs, suffix = out / "photographs", f":{preset}" if preset else ""

    def prepare(name, patch, *folders):
        return out / name, ["prepare", "folder", str(out / name), *map(str, folders),
                            "--patch", str(patch)]

    def train(name, config, *stores):
        chosen = [f"--config.data.stores={','.join(map(str, stores))}"] if stores else []
        return None, ["train", "--config", f"{configs / config}.py{suffix}", *chosen,
                      "--workdir", str(out / name)]

    def synthesize(name, run):
        return out / name, ["synthesize", "--run", str(out / run), "--clean",
                            str(photographs / "clean"), "--out", str(out / name), "--patch", "96",
                            "--per-image", "1" if preset == "tiny" else "20",
                            "--level", f"like:{out / 'pairs'}"]

    def sides(folder):
        return ["--pairs", photographs / folder / "clean", photographs / folder / "noisy"]

    return [
        prepare("pairs", 96, *sides("pairs")),
        prepare("unpaired", 96, "--clean", photographs / "clean", "--noisy", photographs / "noisy"),
        prepare("test", 128, *sides("test")),
        train("senm_vae", "senm_vae", out / "pairs", out / "unpaired"),
        train("white_gaussian", "white_gaussian"),
        synthesize("synthetic", "senm_vae"),
        synthesize("white", "white_gaussian"),
        train("dncnn_synthetic", "dncnn", out / "synthetic"),
        train("dncnn_white", "dncnn", out / "white"),
    ]


def _report(out: pathlib.Path, limit: int | None) -> list[str]:
    """Measures ``limit`` test patches (None: all), writes the report, and returns the lines to
    print."""
    from senm_jax.data import store as store_
    from senm_jax.evaluation import noise, report, restoration, sections
    from senm_jax.training import runs

    test = store_.Store.open(out / "test")
    models = [noise.evaluate(runs.open(out / folder), test, name=name, limit=limit)
              for name, folder in zip(NAMES, ("senm_vae", "white_gaussian"), strict=True)]
    restorers = [restoration.evaluate(runs.open(out / folder), test, name=f"DnCNN from {name}",
                                      limit=limit)
                 for name, folder in zip(NAMES, ("dncnn_synthetic", "dncnn_white"), strict=True)]
    parts = [sections.of_noise(models), sections.of_restorers(restorers)]
    report.write(out / "report.html", "senm-jax quickstart", parts)
    return [report.table_markdown(parts[0].tables[0]), "",
            report.table_markdown(parts[1].tables[0]), "", verdict(parts[0].tables[0])]


def verdict(table) -> str:
    """A sentence: in which noise metrics the first row is nearer to real noise than the second."""
    learnt, white = table.rows
    metrics = [column for column in table.columns if column.ideal == 0]
    won = [column.label for column in metrics if learnt[column.key] < white[column.key]]
    lost = [column.label for column in metrics if column.label not in won]
    return (f"The learnt noise is nearer to the real one than white Gaussian noise of equal "
            f"strength in {len(won)} of {len(metrics)} noise metrics"
            + (f"; not in: {', '.join(lost)}." if lost else "."))

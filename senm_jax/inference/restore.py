"""Image files restored, each written in the manner of its original."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from senm_jax.data import images, pairing
from senm_jax.inference import apply, cleans, ensemble, results, stream
from senm_jax.training import runs

MANIFEST = "restoration.json"


def restore(
    run: runs.Run, paths: Sequence[str | os.PathLike], out: str | os.PathLike, *, seed: int = 0,
    tile: int | None = None, batch: int | None = None, overwrite: bool = False,
    self_ensemble: bool = False,
) -> stream.Summary:
    """Restores every image under ``paths`` to the same name under ``out``.

    Bit depth, greyness, alpha, EXIF and colour profile stay as `images.write` says; the size is
    the restorer's scale times the original's. All tiles have one shape. Files that cannot be read
    are left out and named in the summary's problems. Outputs that are there already are kept where
    their input is what it was, unless ``overwrite``; ``out/restoration.json`` says which run made
    them, and of what (`results.claim`). With ``self_ensemble`` a result is the mean over the
    image's symmetries (`inference.ensemble`).

    Raises:
        ValueError: the run cannot restore, there is no image, two images have one name, an output
            would replace its original, or without ``overwrite`` a file that is not its own, or
            ``out`` holds what another run restored.
    """
    apply.require(run, "restore")
    out, problems = Path(out), []
    targets = targets_of(paths, out)
    found = cleans.sized(list(targets), problems)
    sizes = _allowed(run, found, tile, batch, problems)
    about = {"made_by": "senm-jax restore", "run": str(run.path.resolve()), "step": run.step,
             "digest": runs.digests(run.variables)["total"], "seed": seed}
    if self_ensemble:
        about["self_ensemble"] = True
    if run.method.takes_level:
        about["level"] = run.config.hyper.get("level")
    made_of = results.of_files({targets[path]: path for path in sizes})
    results.claim(out / MANIFEST, about, made_of, overwrite=overwrite)
    if not sizes:
        return stream.Summary(0, 0, tuple(problems))
    sources = list(sizes)
    way = ensemble if self_ensemble else apply
    plan = way.layout(run, "restore", list(sizes.values()), tile, batch)
    missing = [not targets[path].exists() for path in sources]

    def compute(numbers, photos, tick):
        names = [targets[sources[i]].relative_to(out).as_posix() for i in numbers]
        return way.restore_all(
            run, [stream.to_float(photo.pixels) for photo in photos],
            [apply.image_key(seed, name) for name in names], plan, tick,
        )

    made = 0
    with stream.precision(run):
        for i, photo, restored in stream.process(
            list(sizes.values()), plan, missing.__getitem__, lambda i: images.read(sources[i]),
            compute, problems, "restoring", sources.__getitem__,
        ):
            target = targets[sources[i]]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                images.write(target, photo, restored)
                made += 1
            except ValueError as error:
                problems.append(str(error))
    return stream.Summary(made, len(missing) - sum(missing), tuple(problems))


def targets_of(
    paths: Sequence[str | os.PathLike], out: Path,
    renamed: Callable[[str], str] = lambda name: name,
) -> dict[Path, Path]:
    """The output of every input file, in order: its name below the path given, then ``renamed``.

    Raises:
        ValueError: there is no image, two have one output, or one would replace its original.
    """
    targets, taken = {}, {}
    for root in map(Path, paths):
        for path in cleans.find(root, out):
            target = out / renamed(pairing.below(path, root))
            if target.resolve() == path.resolve():
                raise ValueError(f"{path}: would be replaced by its result; take another --out")
            if taken.setdefault(target, path) != path:
                raise ValueError(
                    f"{path}: and {taken[target]} would both be written to {target}; "
                    "take a different --out for each"
                )
            targets[path] = target
    return targets


def _allowed(
    run: runs.Run, found, tile: int | None, batch: int | None, problems: list[str]
) -> dict[Path, tuple[int, int]]:
    """The files whose size the network can be given; the others go to ``problems``."""
    allowed = {}
    for path, size in found:
        try:
            if run.method.restore_reach is None:
                apply.layout(run, "restore", [size], tile, batch)
            allowed[path] = size
        except ValueError as error:
            problems.append(f"{path}: {error}")
    return allowed

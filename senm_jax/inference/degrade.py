"""Image files degraded in a known way, each written in the manner of its original."""

import os
from collections.abc import Sequence
from pathlib import Path

from senm_jax.data import degrading, images, parallel
from senm_jax.degradations import parameters
from senm_jax.inference import cleans, restore, results, stream

MANIFEST = "degradation.json"
_LOSSY = (".jpg", ".jpeg", ".webp")
_MEMORY = 8
"""Times what decoding an image takes."""


def degrade(
    of: parameters.Parameters, paths: Sequence[str | os.PathLike], out: str | os.PathLike, *,
    seed: int = 0, overwrite: bool = False,
) -> stream.Summary:
    """Degrades every image under ``paths`` to the same name under ``out``.

    Draws depend on the seed and the name below the path given. Bit depth, greyness, alpha, EXIF and
    colour profile stay as `images.write` says; what was JPEG or WebP becomes PNG, whose compression
    adds nothing. Files that cannot be used are left out and named in the summary's problems.
    Outputs that are there already are kept where their input is what it was, unless ``overwrite``;
    ``out/degradation.json`` says how they were made, and of what (`results.claim`).

    Raises:
        ValueError: there is no image, two images have one output, an output would replace its
            original, or without ``overwrite`` a file that is not its own, or ``out`` holds what was
            made in another way.
    """
    out, problems = Path(out), []
    degrader = degrading.Degrader(of)
    targets = restore.targets_of(paths, out, _lossless)
    sizes = dict(cleans.sized(list(targets), problems))
    about = {"made_by": "senm-jax degrade", **degrader.about, "seed": seed}
    made_of = results.of_files({targets[path]: path for path in sizes})
    results.claim(out / MANIFEST, about, made_of, overwrite=overwrite)
    missing = [path for path in sizes if not targets[path].exists()]

    def make(path: Path) -> str | None:
        """What is wrong with the file, if anything is."""
        try:
            photo = images.read(path)
            name = targets[path].relative_to(out).as_posix()
            made = degrader(stream.to_float(photo.pixels), degrading.bits(1, seed, name)[0])
            if degrader.luma:
                photo = photo._replace(grey=True)
            targets[path].parent.mkdir(parents=True, exist_ok=True)
            images.write(targets[path], photo, made.noisy)
        except (ValueError, OSError) as error:
            return str(error) if str(path) in str(error) else f"{path}: {error}"
        return None

    cost = {path: _MEMORY * height * width for path, (height, width) in sizes.items()}
    found = list(filter(None, parallel.ordered(make, missing, cost.__getitem__, "degrading")))
    return stream.Summary(
        len(missing) - len(found), len(sizes) - len(missing), (*problems, *found))


def _lossless(name: str) -> str:
    path = Path(name)
    return path.with_suffix(".png").as_posix() if path.suffix.lower() in _LOSSY else name

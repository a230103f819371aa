"""Packs the PolyU real-world noisy images: a clean and a noisy photograph of every scene.

``scenes.json`` in the folder lists the scenes: names of the two files, camera, ISO and whether
the scene is for training or for testing.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from senm_jax.data import draws, duplicates, layout, packing, preflight, writing

SCENES = "scenes.json"
_FIELDS = {"scene": str, "camera": str | None, "iso": int | None, "split": str, "noisy": str,
           "clean": str}
"""Of each scene."""

SOURCE, TARGET, TRAIN, TEST = "train (source half)", "train (target half)", "train", "test"
"""The splits that must not share a scene."""


def prepare(
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    patch: int = 256,
    per_scene: int = 48,
    pairs: int | None = None,
    match_mean: bool = False,
    align: bool = False,
    seed: int = 0,
    strict: bool = False,
    apart_from: Sequence[duplicates.Photograph] = (),
    tell: Callable[[str], None] = print,
) -> tuple[Path, Path]:
    """Writes the stores ``out/train`` and ``out/test`` and returns their paths.

    Of every scene ``per_scene`` patches are cut. The test store holds the test scenes' patches as
    pairs. With ``pairs`` None the train store holds the training scenes' patches as pairs; with a
    number it holds

    * that many pairs, taken in turn from all training scenes in a random order, from each in the
      random order of its patches: pairs are spread evenly, and fewer are the first of more;
    * ``source``: all clean patches of one half of the training scenes;
    * ``target``: all noisy patches of the other half (see `halves`).

    ``match_mean`` gives both sides of training pairs the same means (see `packing.add`); ``align``
    moves the clean photographs of all scenes to where the noisy ones lie (see `packing.align`).
    Both stores appear together or not at all. ``tell`` is called with the preflight report, which
    names scenes that one of ``apart_from`` shows too (`duplicates.of_store`).
    """
    data, out = Path(data), Path(out)
    layout.refuse_existing(out)
    listed = [item._replace(align=align, match_mean=match_mean and item.split != TEST)
              for item in scenes(data, pairs is not None, seed)]
    report = packing.check(listed, patch, strict, tell, apart_from=apart_from)
    train = [item for item in report.usable if item.split != TEST]
    if len(train) in (0, len(report.usable)):
        raise ValueError(f"{data}: expected usable scenes for training and for testing")
    shares = _shares(train, patch, per_scene, pairs, seed)
    about = {
        "made_by": "prepare polyu", "per_scene": per_scene, "pairs": pairs,
        "match_mean": match_mean, "align": align, "seed": seed, "from": str(data.absolute()),
        "scenes": {item.name: item.split for item in report.usable}, "preflight": report.json(),
    }  # fmt: skip
    of_train, of_test = (about | _photographs(report, testing) for testing in (False, True))
    roots = {"clean": data, "noisy": data}
    with layout.held(out) as work:
        layout.clear(work)
        with (
            writing.Writer(work / "train", patch=(patch, patch), about=of_train) as training,
            writing.Writer(work / "test", patch=(patch, patch), about=of_test) as test,
        ):
            for item, cut in packing.patches(report.usable, patch, per_scene, seed):
                writer, most = (test, None) if item.split == TEST else (training, shares[item.name])
                packing.add(writer, "paired", item, cut[:most], roots)
                if pairs is not None and item.split != TEST:
                    domain = "source" if item.split == SOURCE else "target"
                    packing.add(training, domain, item, cut, roots)
        layout.finish(work, out)
    return out / "train", out / "test"


def scenes(data: Path, halved: bool, seed: int) -> list[preflight.Item]:
    """The scenes that ``scenes.json`` lists, each with its split; training halved if asked."""
    path = data / SCENES
    try:
        listed = json.loads(path.read_text())
    except OSError:
        raise ValueError(f"{path}: not found; give the folder that holds it") from None
    except ValueError as error:
        raise ValueError(f"{path}: is not JSON ({error})") from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ValueError(f"{path}: expected a list of scenes, each with {', '.join(_FIELDS)}")
    items = []
    for entry in listed:
        wrong = [name for name, kinds in _FIELDS.items()
                 if name not in entry or not isinstance(entry[name], kinds)]
        if wrong or entry["split"] not in (TRAIN, TEST):
            raise ValueError(
                f"{path}: expected names of files, a camera, a whole ISO and the split train or "
                f"test, not so {', '.join(wrong) or 'split'} of {entry}"
            )
        files = {side: data / entry[side] for side in ("clean", "noisy")}
        items.append(
            preflight.Item(entry["scene"], files, entry["split"], entry["camera"], entry["iso"])
        )
    names = [item.name for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: expected every scene once, found more of {', '.join(twice)}")
    if not halved:
        return items
    half = halves([item for item in items if item.split == TRAIN], seed)
    return [item._replace(split=half.get(item.name, item.split)) for item in items]


def halves(train: Sequence[preflight.Item], seed: int) -> dict[str, str]:
    """Which half, `SOURCE` or `TARGET`, each training scene belongs to, by its name.

    The scenes are ordered by camera and ISO, at random within those, and dealt out in turn: the
    halves differ by one scene at most, and so do the scenes that they have of any one camera and
    of any one camera at one ISO.
    """
    rank = draws.permutation(len(train), "halves", seed)
    order = [(str(item.camera), item.iso or 0, rank[i]) for i, item in enumerate(train)]
    dealt = sorted(range(len(train)), key=order.__getitem__)
    return {train[i].name: (SOURCE, TARGET)[turn % 2] for turn, i in enumerate(dealt)}


def _photographs(report: preflight.Report, testing: bool) -> dict[str, list]:
    """What the scenes for testing, or those for training, look like, for their store's index."""
    chosen = [seen for seen in report.photographs if (seen.split == TEST) == testing]
    return {duplicates.KEY: duplicates.entries(chosen)}


def _shares(
    train: Sequence[preflight.Item], patch: int, per_scene: int, pairs: int | None, seed: int
) -> dict[str, int]:
    """How many of its patches each training scene gives as pairs, by its name."""
    left = {item.name: packing.available(item, patch, per_scene) for item in train}
    total = sum(left.values())
    if pairs is None:
        return left
    if not 0 <= pairs <= total:
        raise ValueError(
            f"--pairs {pairs}: the {len(train)} training scenes give {total} patches with "
            f"--per-scene {per_scene}; ask for at most as many, or for all"
        )
    order = [train[i].name for i in draws.permutation(len(train), "pairs", seed)]
    shares = dict.fromkeys(left, 0)
    while sum(shares.values()) < pairs:
        for name in order:
            if shares[name] < left[name] and sum(shares.values()) < pairs:
                shares[name] += 1
    return shares

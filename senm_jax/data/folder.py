"""Packs a user's own photographs: pairs, clean ones and noisy ones, from folders."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from senm_jax.data import (
    degrading, duplicates, images, layout, packing, pairing, preflight, writing,
)
from senm_jax.degradations import parameters

Folder = str | os.PathLike
_MADE = "degraded"
"""The split of clean photographs that become pairs."""


def prepare(
    out: Folder,
    *,
    pairs: tuple[Folder, Folder] | None = None,
    clean: Folder | None = None,
    noisy: Folder | None = None,
    degrade: parameters.Parameters | None = None,
    patch: int = 256,
    per_image: int | None = None,
    match_mean: bool = False,
    align: bool = False,
    seed: int = 0,
    scale: int = 1,
    strict: bool = False,
    apart_from: Sequence[duplicates.Photograph] = (),
    tell: Callable[[str], None] = print,
    origin: Mapping[str, str] | None = None,
) -> Path:
    """Writes the store ``out`` and returns its path.

    ``pairs`` (clean folder, noisy folder) gives the domain ``paired``, matched by name as
    `pairing.match` says; ``clean`` gives ``source`` and ``noisy`` gives ``target``. Each may be a
    single file. With ``degrade`` the clean photographs become pairs: each is degraded as a whole,
    by draws that depend on seed and name, and both images are cut. Of every image ``per_image``
    patches are cut (see `packing.positions`); an image smaller than a patch is left out.
    With ``scale`` above 1 the clean photographs of pairs are so many times as large as the noisy
    ones, to the pixel, and so are their patches, of side ``patch``; with ``degrade`` the scale is
    the degradation's. Such a store holds pairs alone.
    ``match_mean`` gives both sides of pairs of photographs the same means (see `packing.add`);
    ``align`` moves their clean sides to where the noisy ones lie (see `packing.align`).
    Camera and ISO are those of the (noisy) image's EXIF. The index names the photographs' folders,
    or has ``origin`` in their place. Photographs that show what one of ``apart_from`` does
    (`duplicates.of_store`) are reported. The store appears whole or not at all. ``tell`` is called
    with the preflight report.
    """
    out = Path(out)
    layout.refuse_existing(out)
    degrader = None if degrade is None else _degrader(degrade, clean)
    scale = _scale(scale, degrader, pairs, clean, noisy)
    layout.require_scale(out, (patch, patch), scale)
    items, unmatched, roots = _find(pairs, clean, noisy, _MADE if degrader else "source",
                                    align=align, match_mean=match_mean)
    report = packing.check(items, patch, strict, tell, unmatched, scale, apart_from)
    about = {
        "made_by": "prepare folder", "per_image": per_image,
        "match_mean": match_mean, "align": align, "seed": seed, "preflight": report.json(),
        duplicates.KEY: duplicates.entries(report.photographs),
        "from": origin or {split: {side: str(root.absolute()) for side, root in sides.items()}
                           for split, sides in roots.items()},
    }  # fmt: skip
    about |= {"degradation": degrader.about} if degrader else {}
    made = degrader and {"degradation": degrader.about, "seed": seed}
    complete = functools.partial(_complete, degrader, seed)
    cuts = packing.patches(report.usable, patch, per_image, seed, complete, scale)
    with writing.Writer(out, patch=(patch, patch), about=about, scale=scale) as writer:
        for item, cut in cuts:
            domain, maker = ("paired", made) if item.split == _MADE else (item.split, None)
            packing.add(writer, domain, item, cut, roots[item.split], origin=maker)
    return out


def _find(
    pairs: tuple[Folder, Folder] | None, clean: Folder | None, noisy: Folder | None, of_clean: str,
    **mending: bool,
) -> tuple[list[preflight.Item], list[Path], dict[str, dict[str, Path]]]:
    """The photographs, those without a partner, and by split the folder of each side; ``of_clean``
    is the split of clean ones, ``mending`` what is done to pairs. ValueError if no folder is given.
    """
    if pairs is None and clean is None and noisy is None:
        raise ValueError("nothing to pack; give --pairs CLEAN NOISY, --clean DIR or --noisy DIR")
    items, unmatched, roots = [], [], {}
    if pairs is not None:
        roots["paired"] = {"clean": Path(pairs[0]), "noisy": Path(pairs[1])}
        found = [_images("--pairs", root) for root in roots["paired"].values()]
        matched, unmatched = pairing.match(*roots["paired"].values(), *found)
        items += [_item("paired", {"clean": c, "noisy": n}, roots["paired"])._replace(**mending)
                  for c, n in matched]
    for domain, side, root in ((of_clean, "clean", clean), ("target", "noisy", noisy)):
        if root is not None:
            roots[domain] = {side: Path(root)}
            items += [_item(domain, {side: p}, roots[domain]) for p in _images(f"--{side}", root)]
    return items, unmatched, roots


def _images(flag: str, root: Folder) -> list[Path]:
    """The image files under the folder; ValueError if there is none."""
    found = images.find(root)
    if not found:
        raise ValueError(
            f"{flag} {root}: found no image; looked for {', '.join(images.SUFFIXES)}")
    return found


def _degrader(of: parameters.Parameters, clean: Folder | None) -> degrading.Degrader:
    """What makes pairs of the clean photographs; ValueError if there are none."""
    if clean is None:
        raise ValueError("--degrade: expected clean photographs to degrade; give --clean DIR")
    return degrading.Degrader(of)


def _scale(
    scale: int, degrader: degrading.Degrader | None, pairs: tuple | None, clean: Folder | None,
    noisy: Folder | None,
) -> int:
    """Clean size over noisy; ValueError if a store cannot hold photographs of these kinds."""
    if degrader and degrader.scale != scale and (pairs is not None or scale != 1):
        raise ValueError(
            f"--scale: --degrade {degrader.about['name']} makes pairs of scale {degrader.scale}, "
            f"and --scale is {scale}: a store has one"
        )
    scale = degrader.scale if degrader else scale
    if scale != 1 and (noisy is not None or (clean is not None and not degrader)):
        raise ValueError(
            f"--scale: a store of pairs of scale {scale} holds pairs alone; pack what is given "
            "by --clean or --noisy into a store of its own"
        )
    return scale


def _complete(
    degrader: degrading.Degrader | None, seed: int, item: preflight.Item, arrays: packing.Images
) -> packing.Images:
    """Both images of a pair; of a clean photograph that becomes one, what is made of it, both in 8
    bits."""
    if item.split != _MADE:
        return packing.align(item, arrays)
    made = degrader(arrays["clean"] / np.float32(255), degrading.bits(1, seed, item.name)[0])
    return {"clean": images.quantise(made.clean, 8), "noisy": images.quantise(made.noisy, 8)}


def _item(domain: str, files: dict[str, Path], roots: dict[str, Path]) -> preflight.Item:
    """The photograph with its tags; its name is that below its folder."""
    side = next(iter(files))
    camera, iso = images.read_tags(files.get("noisy", files[side]))
    name = f"{domain}/{pairing.below(files[side], roots[side])}"
    return preflight.Item(name, files, domain, camera, iso)

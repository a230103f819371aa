"""Packs a user's own photographs: pairs, clean ones and noisy ones, from folders."""

import os
from collections.abc import Callable
from pathlib import Path

from senm_jax.data import images, layout, packing, pairing, preflight, store

Folder = str | os.PathLike


def prepare(
    out: Folder,
    *,
    pairs: tuple[Folder, Folder] | None = None,
    clean: Folder | None = None,
    noisy: Folder | None = None,
    patch: int = 256,
    per_image: int | None = None,
    match_mean: bool = False,
    seed: int = 0,
    strict: bool = False,
    tell: Callable[[str], None] = print,
) -> Path:
    """Writes the store ``out`` and returns its path.

    ``pairs`` (clean folder, noisy folder) gives the domain ``paired``, matched by name as
    `pairing.match` says; ``clean`` gives ``source`` and ``noisy`` gives ``target``. Each may be a
    single file. Of every image ``per_image`` patches are cut (see `packing.positions`); an image
    smaller than a patch is left out. ``match_mean`` gives both sides of pairs the same means (see
    `packing.add`). Camera and ISO are those of the (noisy) image's EXIF. The
    store appears whole or not at all. ``tell`` is called with the preflight report.
    """
    out = Path(out)
    layout.refuse_existing(out)
    if pairs is None and clean is None and noisy is None:
        raise ValueError("nothing to pack; give --pairs CLEAN NOISY, --clean DIR or --noisy DIR")
    items, unmatched, roots = [], [], {}
    if pairs is not None:
        roots["paired"] = {"clean": Path(pairs[0]), "noisy": Path(pairs[1])}
        found = [images.find(root) for root in roots["paired"].values()]
        matched, unmatched = pairing.match(*roots["paired"].values(), *found)
        items += [_item("paired", {"clean": c, "noisy": n}, roots["paired"]) for c, n in matched]
    for domain, side, root in (("source", "clean", clean), ("target", "noisy", noisy)):
        if root is not None:
            roots[domain] = {side: Path(root)}
            items += [_item(domain, {side: p}, roots[domain]) for p in images.find(root)]
    report = packing.check(items, patch, strict, tell, unmatched)
    about = {
        "made_by": "prepare folder", "per_image": per_image,
        "match_mean": match_mean, "seed": seed, "preflight": report.json(),
    }  # fmt: skip
    with store.Writer(out, patch=(patch, patch), about=about) as writer:
        for item, cut in packing.patches(report.usable, patch, per_image, seed):
            packing.add(writer, item.split, item, cut, roots[item.split], match_mean)
    return out


def _item(domain: str, files: dict[str, Path], roots: dict[str, Path]) -> preflight.Item:
    """The photograph with its tags; its name is that below its folder."""
    side = next(iter(files))
    camera, iso = images.read_tags(files.get("noisy", files[side]))
    name = f"{domain}/{pairing.below(files[side], roots[side])}"
    return preflight.Item(name, files, domain, camera, iso)

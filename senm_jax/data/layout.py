"""What a patch store is on disk, for `store` and `writing`: names, the index's check, hashes."""

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from senm_jax.data import files, shards

SCHEMA = 1
SIDES = {"paired": ("clean", "noisy"), "source": ("clean",), "target": ("noisy",)}
"""Which images a patch of each domain has."""
INDEX = "index.json"
JOURNAL = "journal.jsonl"
PARTIAL = ".partial"
"""A store that is being written has this behind its name."""

_REMEDY = "make the store again, as BUILD.md says under Patch stores"


def _whole(value: Any) -> bool:
    return type(value) is int  # and no bool, which is an instance of int too


_INDEX_FIELDS = {
    "patch": ("[height, width]",
              lambda v: type(v) is list and len(v) == 2 and all(_whole(n) and n > 0 for n in v)),
    "scale": ("a whole number", _whole),
    "about": ("an object", lambda v: type(v) is dict),
    "domains": ("an object", lambda v: type(v) is dict),
    "fingerprint": ("text", lambda v: type(v) is str),
}
_DOMAIN_FIELDS = {
    "count": ("a whole number", _whole),
    "shards": ("whole numbers", lambda v: type(v) is list and all(map(_whole, v))),
    "records": ("a list", lambda v: type(v) is list),
}
_RECORD_FIELDS = {
    "camera": ("text or null", lambda v: v is None or type(v) is str),
    "iso": ("a whole number or null", lambda v: v is None or _whole(v)),
    "level": ("a number that is not negative, or null",
              lambda v: v is None or type(v) in (int, float) and 0 <= v < math.inf),
    "source": ("text", lambda v: type(v) is str),
    "position": ("[row, column]",
                 lambda v: type(v) is list and len(v) == 2 and all(map(_whole, v))),
    "origin": ("a value or null", lambda v: True),
}
"""What each field of the index is, and whether a value is that."""


def digest(image: np.ndarray) -> str:
    """A hash of an image's pixels, hex."""
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).hexdigest()


def fingerprint(index: Mapping[str, Any]) -> str:
    """The hash of an index's patch size, scale and records, and through their digests of all
    pixels."""
    content = [index["schema"], index["patch"]]
    content += [{"scale": scale(index)}] if scale(index) != 1 else []
    content += [[name, entry["records"]] for name, entry in sorted(index["domains"].items())]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def scale(index: Mapping[str, Any]) -> int:
    """Clean size over noisy; an index without it is of patches of one size."""
    return index.get("scale", 1)


def patch_of(side: str, patch: Sequence[int], scale: int) -> tuple[int, int]:
    """Height and width of the patches of a side, ``clean`` (as ``patch``) or ``noisy``."""
    height, width = (length // scale if side == "noisy" else length for length in patch)
    return height, width


def require_scale(path: Path, patch: Sequence[int], scale: int) -> None:
    """Raises a ValueError unless patches of this size have a noisy side 1 / ``scale`` of it."""
    if scale < 1 or any(length % scale for length in patch):
        raise ValueError(
            f"{path}: expected a patch whose sides are multiples of the scale, got "
            f"{' x '.join(map(str, patch))} and {scale}; take another patch size"
        )


def read_index(path: Path) -> dict[str, Any]:
    """The checked index of the finished store at ``path``, or a ValueError that says what to do."""
    _refuse_unfinished(path)
    try:
        index = json.loads((path / INDEX).read_text())
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{path / INDEX}: cannot be read ({error}); make the store again"
        ) from None
    found = index.get("schema") if isinstance(index, dict) else None
    if found != SCHEMA:
        raise ValueError(
            f"{path / INDEX}: expected a patch store of schema {SCHEMA}, got {found}; "
            "make the store again with this version"
        )
    _require(f"{path / INDEX}:", {"scale": 1, **index}, _INDEX_FIELDS)
    require_scale(path / INDEX, index["patch"], scale(index))
    for domain, entry in index["domains"].items():
        _require_domain(path / INDEX, domain, entry)
    return index


def _require_domain(file: Path, domain: str, entry: Any) -> None:
    """Raises a ValueError that names the patch and the field unless a domain is as `store` says."""
    if domain not in SIDES:
        raise ValueError(f"{file}: expected the domains {list(SIDES)}, got {domain!r}; {_REMEDY}")
    _require(f"{file}: {domain}:", entry, _DOMAIN_FIELDS)
    if not entry["count"] == len(entry["records"]) == sum(entry["shards"]):
        raise ValueError(
            f"{file}: {domain} counts {entry['count']} patches, has "
            f"{len(entry['records'])} records and shards for {sum(entry['shards'])}; {_REMEDY}"
        )
    sides = SIDES[domain]
    fields = _RECORD_FIELDS | {"digest": (
        f"text by side, {' and '.join(sides)}",
        lambda v: type(v) is dict and all(type(v.get(side)) is str for side in sides),
    )}
    for i, record in enumerate(entry["records"]):
        _require(f"{file}: {domain} patch {i}:", record, fields)


def _require(where: str, found: Any, fields: Mapping[str, tuple[str, Callable]]) -> None:
    """Raises a ValueError unless an object of the index has these fields, each as expected."""
    if type(found) is not dict:
        raise ValueError(f"{where} expected an object, got {_shown(found)}; {_REMEDY}")
    for name, (expected, fits) in fields.items():
        if name not in found or not fits(found[name]):
            got = _shown(found[name]) if name in found else "nothing"
            raise ValueError(f"{where} {name}: expected {expected}, got {got}; {_REMEDY}")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def refuse_existing(path: Path) -> None:
    """Raises a ValueError if there is something at ``path`` already."""
    if os.path.lexists(path):
        raise ValueError(f"{path}: exists; remove it or write to another folder")


@contextlib.contextmanager
def held(path: Path) -> Iterator[Path]:
    """The folder ``PATH.partial``, made if need be, in which no other process writes meanwhile.

    Raises:
        ValueError: there is something at ``path`` already, or another process writes it.
    """
    refuse_existing(path)
    partial = path.with_name(path.name + PARTIAL)
    refusal = f"{path}: another process is writing it; wait for it, or take another folder"
    with files.held(partial, refusal):
        try:
            refuse_existing(path)  # which may have been finished just before
        except ValueError:
            clear(partial)
            (partial / files.LOCK).unlink()
            partial.rmdir()
            raise
        yield partial


def finish(partial: Path, path: Path) -> None:
    """Gives what was written its name."""
    os.rename(partial, path)
    (path / files.LOCK).unlink(missing_ok=True)


def clear(partial: Path) -> None:
    """Empties the folder, of what an interrupted writer left there."""
    for child in partial.rglob("*"):
        ours = child.suffix in (".npy", ".json", ".jsonl") or child.name.startswith(".")
        if child.is_file() and not ours:
            raise ValueError(f"{child}: no file of an unfinished store; move it elsewhere")
    for child in partial.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child.name != files.LOCK:
            child.unlink()


def _refuse_unfinished(path: Path) -> None:
    """Raises a ValueError that says why ``path`` is no finished store, if it is none."""
    partial = any(part.endswith(PARTIAL) for part in path.absolute().parts)
    if partial or (not path.exists() and path.with_name(path.name + PARTIAL).exists()):
        raise ValueError(f"{path}: was not finished; run the command that makes it again")
    if not (path / INDEX).is_file():
        inside = sorted(str(found.parent) for found in path.glob(f"*/{INDEX}"))
        advice = f"did you mean {' or '.join(inside)}?" if inside else (
            "`senm-jax prepare` makes one"
        )  # fmt: skip
        raise ValueError(f"{path}: is no patch store (it has no {INDEX}); {advice}")


def map_images(path: Path, index: Mapping[str, Any]) -> dict[tuple[str, str], shards.Images]:
    """The memory-mapped images of every (domain, side), each shard's shape checked."""
    shapes = {side: (*patch_of(side, index["patch"], scale(index)), 3)
              for side in SIDES["paired"]}
    return {
        (domain, side): shards.Images(
            [
                _map_shard(path / shards.file_name(domain, side, number), (count, *shapes[side]))
                for number, count in enumerate(entry["shards"])
            ],
            shapes[side],
        )
        for domain, entry in index["domains"].items()
        for side in SIDES[domain]
    }


def _map_shard(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.load(file, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{file}: cannot be mapped ({error}); make the store again") from None
    if array.shape != shape or array.dtype != np.uint8:
        raise ValueError(
            f"{file}: expected uint8 {shape}, got {array.dtype} {array.shape}; "
            "make the store again"
        )
    return array.view(np.ndarray)

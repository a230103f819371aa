"""Folders of results: what made each and of which input, so that a later call knows what stands."""

import hashlib
import json
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import tqdm

from senm_jax.data import files


Key = TypeVar("Key")


class Input(NamedTuple):
    """What a result is made of."""

    source: str
    """The file, or the patch store."""
    digest: str
    """Of its content."""


def of_files(paths: Mapping[Key, Path]) -> dict[Key, Input]:
    """The file of each key with a hash of its bytes; OSError names one that cannot be read."""
    sources = list(dict.fromkeys(paths.values()))
    with futures.ThreadPoolExecutor() as pool:
        read = tqdm.tqdm(pool.map(_digest, sources), desc="reading", unit="file",
                         total=len(sources), delay=1)
        digests = dict(zip(sources, read, strict=True))
    return {key: Input(str(path.resolve()), digests[path]) for key, path in paths.items()}


def claim(
    manifest: Path, about: Mapping[str, Any], made_of: Mapping[Path, Input], *,
    overwrite: bool | None = None, **more: Any,
) -> None:
    """Writes the manifest of a folder of results, in which those that are there then stand.

    What is there of the results to be made stays if it is of a call ``about`` the same and its
    input is what it was. Where the input has changed since, and with ``overwrite``, it is removed
    before the manifest is written, so that it never passes for this call's. What is there and not
    in the manifest is no result of such a call. ``more`` joins the manifest, and is not compared.
    ``overwrite`` is None where the command has no such flag.

    Raises:
        ValueError: without ``overwrite``, the folder holds what another call made, or a result's
            name is taken by a file that none made or that was made of another input; nothing was
            removed.
    """
    folder, about = manifest.parent, json.loads(json.dumps(about))
    remedy = "take another --out" if overwrite is None else "take another --out, or --overwrite"
    known_about, known = _read(manifest, remedy, tolerant=bool(overwrite))
    if known_about not in (None, about):
        if not overwrite:
            raise ValueError(
                f"{folder}: holds what another call made, by another run, seed or setting (see "
                f"{manifest.name}); {remedy}"
            )
        known = {}
    names = {target: target.relative_to(folder).as_posix() for target in made_of}
    there = [target for target in made_of if target.exists()]
    for target in there if not overwrite else ():
        _require_ours(target, known.get(names[target]), made_of[target], remedy)
    for target in there:
        if overwrite or known[names[target]].digest != made_of[target].digest:
            target.unlink()
    entries = {names[target]: each for target, each in made_of.items()}
    content = {"about": about, **more, "made_of": known | entries}
    folder.mkdir(parents=True, exist_ok=True)
    files.replace(manifest, json.dumps(content, indent=1).encode())


def _require_ours(target: Path, before: Input | None, now: Input, remedy: str) -> None:
    if before is None:
        raise ValueError(f"{target}: is there already and is no result of this command; {remedy}")
    if before.digest != now.digest and before.source != now.source:
        raise ValueError(f"{target}: was made of {before.source} and would be replaced by what is "
                         f"made of {now.source}; {remedy}")


def _read(
    manifest: Path, remedy: str, tolerant: bool
) -> tuple[dict[str, Any] | None, dict[str, Input]]:
    """What the call before was about, None for no call, and its results by name; ``tolerant``
    takes what cannot be understood for none."""
    try:
        content = json.loads(manifest.read_bytes())
        return dict(content["about"]), {
            name: Input(*each) for name, each in content["made_of"].items()
        }
    except FileNotFoundError:
        return None, {}
    except (ValueError, KeyError, TypeError, AttributeError):
        if tolerant:
            return None, {}
        raise ValueError(
            f"{manifest}: expected JSON as this version writes it; {remedy}") from None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror})") from error

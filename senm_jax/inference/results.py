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
    overwrite: bool = False, **more: Any,
) -> None:
    """Writes the manifest of a folder of results, in which those that are there then stand.

    What is there of the results to be made stays if it is of a call ``about`` the same and its
    input is what it was. Where the input has changed since, and with ``overwrite``, it is removed
    before the manifest is written, so that it never passes for this call's. ``more`` joins the
    manifest, and is not compared.

    Raises:
        ValueError: the folder holds what another call made, or a result's name is taken by a file
            that none made or that was made of another input; nothing was removed.
    """
    folder, about = manifest.parent, json.loads(json.dumps(about))
    before = {} if overwrite else _read(manifest)
    if before and before["about"] != about:
        raise ValueError(
            f"{folder}: holds what another call made, by another run, seed or setting (see "
            f"{manifest.name}); take another --out, or remove what is there"
        )
    known = {name: Input(*each) for name, each in before.get("made_of", {}).items()}
    there = {target.relative_to(folder).as_posix(): target for target in made_of if target.exists()}
    if not overwrite:
        for name, target in there.items():
            _require_ours(target, known.get(name), made_of[target])
    for name, target in there.items():
        if overwrite or known[name].digest != made_of[target].digest:
            target.unlink()
    entries = {target.relative_to(folder).as_posix(): each for target, each in made_of.items()}
    content = {"about": about, **more, "made_of": known | entries}
    folder.mkdir(parents=True, exist_ok=True)
    files.replace(manifest, json.dumps(content, indent=1).encode())


def _require_ours(target: Path, before: Input | None, now: Input) -> None:
    if before is None:
        raise ValueError(f"{target}: is there already and is no result of this command; take "
                         "another --out, or move it away")
    if before.digest != now.digest and before.source != now.source:
        raise ValueError(f"{target}: was made of {before.source} and would be replaced by what is "
                         f"made of {now.source}; take another --out")


def _read(manifest: Path) -> dict[str, Any]:
    """The manifest of the call before; {} where there is none."""
    try:
        content = json.loads(manifest.read_bytes())
        if not isinstance(content["about"], dict) or not isinstance(content["made_of"], dict):
            raise TypeError
        return content
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{manifest}: expected JSON as this version writes it; take another "
                         "--out, or remove the folder's results and it") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()

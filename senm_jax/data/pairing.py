"""Which clean file belongs to which noisy file, by name."""

import collections
import re
from collections.abc import Callable, Sequence
from pathlib import Path

_SIDE_WORD = re.compile(r"(?<![a-z0-9])(clean|noisy|gt|mean|real)(?![a-z0-9])")


def match(
    clean: Path, noisy: Path, clean_files: Sequence[Path], noisy_files: Sequence[Path]
) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """(pairs, unmatched files), both sorted, for the files under the folders ``clean``, ``noisy``.

    Three passes, each over what the one before left: equal paths below the two folders; equal
    paths but for the suffix; equal paths but for the suffix, letter case and the words clean,
    noisy, gt, mean, real (``0001_GT_SRGB_010.PNG`` and ``0001_NOISY_SRGB_010.PNG``). A name that
    two files of one folder share in a pass matches nothing in it. Two single files are a pair.
    """
    if clean.is_file() and noisy.is_file():
        return [(clean, noisy)], []
    if clean.resolve() == noisy.resolve():
        raise ValueError(f"{clean}: given as clean and as noisy; give two different folders")
    pairs, left, right = [], list(clean_files), list(noisy_files)
    for name in (_whole, _stem, _without_side):
        lefts, rights = _unique(left, clean, name), _unique(right, noisy, name)
        found = [(lefts[key], rights[key]) for key in lefts.keys() & rights.keys()]
        pairs += found
        left = [path for path in left if path not in {a for a, _ in found}]
        right = [path for path in right if path not in {b for _, b in found}]
    return sorted(pairs), sorted(left + right)


def below(path: Path, folder: Path) -> str:
    """The path below ``folder`` with forward slashes; the file's name when it lies elsewhere."""
    inside = path != folder and path.is_relative_to(folder)
    return path.relative_to(folder).as_posix() if inside else path.name


def _unique(files: Sequence[Path], folder: Path, name: Callable[[str], str]) -> dict[str, Path]:
    named = collections.defaultdict(list)
    for path in files:
        named[name(below(path, folder))].append(path)
    return {key: paths[0] for key, paths in named.items() if len(paths) == 1}


def _whole(path: str) -> str:
    return path


def _stem(path: str) -> str:
    return path.rsplit(".", 1)[0]


def _without_side(path: str) -> str:
    """The stem in lower case, its words of side taken out together with the marks around them."""
    return re.sub(r"[^a-z0-9/]+", "_", _SIDE_WORD.sub("", _stem(path).lower())).strip("_")

"""What is wrong with a set of photographs, found before anything is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from senm_jax.data import compare, duplicates, images, parallel

SHIFT = 1.0
"""Pixels; a pair whose images lie further apart than this, in rows or columns, is reported."""
GAIN = 0.04
"""A pair whose contrast differs by a larger part than this in some channel is reported."""
MEAN_255 = 2.0
"""A pair whose means differ by more than this (of 255) in some channel is reported."""

LEFT_OUT = ("unmatched", "unreadable", "size mismatch", "smaller than a patch",
            "too large to align")
KEPT = ("exposure mismatch", "misaligned", "near-duplicate")
MENDED = ("mended",)


class Item(NamedTuple):
    """A photograph, or the clean and noisy photograph of one scene."""

    name: str
    files: Mapping[str, Path]
    """By side, ``clean`` and ``noisy``."""
    split: str
    """Items of different splits must not show the same scene."""
    camera: str | None = None
    iso: int | None = None
    align: bool = False
    """Whether the clean photograph of a pair is moved to where the noisy one lies."""
    match_mean: bool = False
    """Whether the noisy patches of a pair are given the means of the clean ones."""


class Finding(NamedTuple):
    """One problem; ``kind`` is one of `LEFT_OUT` (not packed), `KEPT` (packed all the same) or
    `MENDED` (by what was asked for)."""

    kind: str
    files: tuple[str, ...]
    text: str


class Report(NamedTuple):
    """The outcome: problems by file, and the items that can be packed."""

    findings: tuple[Finding, ...]
    usable: tuple[Item, ...]
    looked_at: int
    photographs: tuple[duplicates.Photograph, ...] = ()
    """Of the usable items; a flat one is left out."""

    def text(self) -> str:
        """The report for a reader, one problem a line under its kind."""
        lines = [f"preflight: {len(self.usable)} of {self.looked_at} images or pairs can be packed"]
        fates = dict.fromkeys(LEFT_OUT, "left out") | dict.fromkeys(KEPT, "kept; look at them")
        for kind, fate in (fates | dict.fromkeys(MENDED, "as asked for")).items():
            found = [finding for finding in self.findings if finding.kind == kind]
            if found:
                lines.append(f"  {kind}: {len(found)} ({fate})")
                lines += [f"    {', '.join(f.files)}: {f.text}" for f in found]
        if not self.findings:
            lines.append("  no problems found")
        return "\n".join(lines)

    @property
    def problems(self) -> list[Finding]:
        """The findings that nothing mends."""
        return [finding for finding in self.findings if finding.kind not in MENDED]

    def json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "looked_at": self.looked_at,
            "usable": len(self.usable),
            "findings": [
                {"kind": f.kind, "files": list(f.files), "text": f.text} for f in self.findings
            ],
        }


class _Facts(NamedTuple):
    """What one item's pixels say."""

    findings: tuple[Finding, ...]
    usable: bool
    signature: np.ndarray | None


def inspect(
    items: Sequence[Item], patch: int, unmatched: Sequence[Path] = (), scale: int = 1,
    apart_from: Sequence[duplicates.Photograph] = (),
) -> Report:
    """The report on ``items``, each decoded once; ``unmatched`` are files without a partner.

    Of a pair the clean image must be ``scale`` times as large as the noisy one, to the pixel.
    Items that show what one of another split or of ``apart_from`` does are reported.
    """
    facts = list(
        parallel.ordered(lambda item: _look(item, patch, scale), items, pixels, "checking")
    )
    findings = [Finding("unmatched", (str(p),), "no image of the same name") for p in unmatched]
    findings += [finding for fact in facts for finding in fact.findings]
    usable = [(item, fact) for item, fact in zip(items, facts, strict=True) if fact.usable]
    photographs = [duplicates.Photograph(item.name, item.split, fact.signature)
                   for item, fact in usable if fact.signature is not None]
    file = {item.name: str(next(iter(item.files.values()))) for item, _ in usable}
    for one, other, likeness in duplicates.across(photographs, apart_from):
        files = tuple(file.get(photograph.name, photograph.name) for photograph in (one, other))
        text = f"correlate {likeness:.2f}, one is {one.split}, the other {other.split}"
        findings.append(Finding("near-duplicate", files, text))
    return Report(tuple(findings), tuple(item for item, _ in usable),
                  len(items) + len(unmatched), tuple(photographs))


def pixels(item: Item) -> int:
    """How many pixels the item's files have by their headers, 0 for what is no image."""
    total = 0
    for path in item.files.values():
        try:
            height, width = images.read_size(path)
        except (ValueError, OSError):
            continue
        total += height * width
    return total


def _look(item: Item, patch: int, scale: int) -> _Facts:
    """Decodes the item's files and judges them."""
    arrays, findings = {}, []
    for side, path in item.files.items():
        try:
            arrays[side] = images.read_rgb8(path)
        except (ValueError, OSError) as error:
            findings.append(
                Finding("unreadable", (str(path),), str(error).removeprefix(f"{path}: "))
            )
    if findings:
        return _Facts(tuple(findings), False, None)
    names = tuple(str(path) for path in item.files.values())
    sizes = {side: array.shape[:2] for side, array in arrays.items()}
    text = ", ".join(f"{side} is {h} x {w}" for side, (h, w) in sizes.items())
    if len(sizes) == 2 and sizes["clean"] != tuple(scale * n for n in sizes["noisy"]):
        text += f"; expected clean to be exactly {scale} times noisy" if scale != 1 else ""
        return _Facts((Finding("size mismatch", names, text),), False, None)
    if min(next(iter(sizes.values()))) < patch:
        text = f"{text}, a patch {patch} x {patch}; prepare with a smaller --patch to use it"
        return _Facts((Finding("smaller than a patch", names, text),), False, None)
    if item.align and max(sizes["clean"]) > compare.LONGEST:
        text = (f"{text}; --align moves images of at most {compare.LONGEST} pixels a side: cut "
                "both, or prepare without it")
        return _Facts((Finding("too large to align", names, text),), False, None)
    if len(arrays) == 2:
        height, width = sizes["noisy"]
        clean = cv2.resize(arrays["clean"], (width, height), interpolation=cv2.INTER_AREA)
        findings = _judge_pair(item, names, clean, arrays["noisy"])
    return _Facts(tuple(findings), True, compare.signature(next(iter(arrays.values()))))


def _judge_pair(
    item: Item, names: tuple[str, ...], clean: np.ndarray, noisy: np.ndarray
) -> list[Finding]:
    findings = []
    shift = compare.shift(clean, noisy)
    if shift is not None and max(map(abs, shift)) > SHIFT:
        near = max(map(abs, shift)) <= compare.FARTHEST
        text = f"noisy lies {shift[0]:+.1f} rows and {shift[1]:+.1f} columns off clean; "
        text += "--align moves them together" if near else (
            f"too far for --align, which moves by {compare.FARTHEST:g} pixels at most")
        findings.append(Finding("mended" if item.align and near else "misaligned", names, text))
        if max(clean.shape) <= compare.LONGEST:  # what lies beside itself seems of less contrast
            clean = compare.aligned(clean, noisy)
    elif compare.alike(compare.signature(clean), compare.signature(noisy)) < compare.ALIKE / 2:
        findings.append(Finding("misaligned", names, "the two show different scenes"))
    gain, mean_255 = compare.exposure(clean, noisy)
    contrast, mean = np.abs(gain - 1).max() > GAIN, np.abs(mean_255).max() > MEAN_255
    if contrast or mean:
        text = (
            f"noisy is clean times {_numbers(gain, '.3f')} (red, green, blue), its mean higher by "
            f"{_numbers(mean_255, '+.1f')} of 255"
        )
        mended = item.match_mean and not contrast
        text += "; --match-mean takes that off" if mended else ""
        findings.append(Finding("mended" if mended else "exposure mismatch", names, text))
    return findings


def _numbers(values: np.ndarray, form: str) -> str:
    return ", ".join(format(value, form) for value in values)

"""The patch store: a folder of memory-mapped uint8 arrays and one JSON index.

::

    STORE/index.json               schema, patch size, scale, fingerprint, every patch's record
    STORE/paired.clean.0000.npy    uint8 [n, height, width, 3], one file per domain, side, shard
    STORE/paired.noisy.0000.npy

A record says of one patch: ``camera``, ``iso`` and ``level`` (the noise's standard deviation in [0,
1] units; of a made pair the one that was asked for), None where unknown; ``source``, the file it
came from; ``position``, its upper left pixel [row, column] there; ``origin``, None for a photograph
and else what made it; ``digest``, a hash of each side's pixels. The fingerprint is a hash of the
patch size, the scale and all records, so it follows every pixel and every tag, and nothing else.

A store whose scale s is above 1 holds pairs for super-resolution: the clean patch is of the patch
size, the noisy one s times smaller. ``position`` is then that of the clean patch. An index without
a scale has scale 1.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from senm_jax.data import configurations, layout, shards

SIDES = layout.SIDES


class Store:
    """A patch store, opened by `Store.open`.

    ``path``, ``index`` (the whole JSON index), ``fingerprint`` (hex), ``patch`` (height, width) of
    the clean patches, ``scale`` (clean size over noisy), ``domains`` (those that hold patches) and
    ``configurations`` (sorted (camera, ISO) pairs).
    """

    def __init__(self, path: Path, index: Mapping[str, Any], images: Mapping):
        self.path, self.index, self._images = path, index, images
        self.fingerprint: str = index["fingerprint"]
        self.patch: tuple[int, int] = tuple(index["patch"])
        self.scale = layout.scale(index)
        self.domains: tuple[str, ...] = tuple(
            domain for domain, entry in index["domains"].items() if entry["count"])
        self.configurations = sorted(
            {pair for domain in self.domains for pair in self.tags(domain) if pair[0] is not None},
            key=configurations.order,
        )

    @classmethod
    def open(cls, path: str | os.PathLike) -> "Store":
        """The store at ``path``; a ValueError says what is wrong with it and what to do."""
        path = Path(path)
        index = layout.read_index(path)
        return cls(path, index, layout.map_images(path, index))

    def __len__(self) -> int:
        return sum(entry["count"] for entry in self.index["domains"].values())

    def summary(self) -> str:
        """One line: the path, patches by domain, their size, the standard deviation of the pairs'
        noise where it is known, the fingerprint's beginning."""
        counts = ", ".join(f"{len(self.records(domain))} {domain}" for domain in self.domains)
        size = "{} x {}".format(*self.patch)
        if self.scale != 1:
            size += " (noisy ones {} x {})".format(*self.patch_of("noisy"))
        pairs = self.records("paired") if "paired" in self.domains else []
        levels = [pair["level"] for pair in pairs if pair["level"] is not None]
        noise = f", noise of std {np.sqrt(np.mean(np.square(levels))):.4f}" if levels else ""
        return f"{self.path}: {counts} patches of {size}{noise}, {self.fingerprint[:12]}"

    def patch_of(self, side: str) -> tuple[int, int]:
        """Height and width of the ``clean`` or ``noisy`` patches."""
        return layout.patch_of(side, self.patch, self.scale)

    def records(self, domain: str) -> list[dict[str, Any]]:
        """What is known of each patch of ``domain``; see the module's text for the fields."""
        self._require(domain)
        return self.index["domains"][domain]["records"]

    def tags(self, domain: str) -> list[tuple[str | None, int | None]]:
        """(camera, ISO) of each patch of ``domain``, None where unknown."""
        return [(record["camera"], record["iso"]) for record in self.records(domain)]

    def configuration(self, domain: str) -> Int32[np.ndarray, "n"]:
        """Each patch's place in ``configurations``, -1 where the camera is unknown."""
        place = {pair: i for i, pair in enumerate(self.configurations)}
        return np.array([place.get(pair, -1) for pair in self.tags(domain)], np.int32)

    def images(self, domain: str, side: str) -> shards.Images:
        """The ``clean`` or ``noisy`` patches of ``domain``, [n, *patch_of(side), 3] uint8."""
        self._require(domain)
        if side not in SIDES[domain]:
            raise ValueError(f"{self.path}: {domain} patches have {SIDES[domain]}, not {side!r}")
        return self._images[domain, side]

    def read(
        self, domain: str, side: str, i: int, row: int, col: int, size: int
    ) -> UInt8[np.ndarray, "size size 3"]:
        """A view of ``size`` x ``size`` pixels of patch ``i``, its upper left at (row, col)."""
        height, width = self.patch_of(side)
        if not (0 <= row <= height - size and 0 <= col <= width - size):
            raise ValueError(
                f"{self.path}: a {size} pixel crop at ({row}, {col}) leaves the "
                f"{height} x {width} patch"
            )
        return self.images(domain, side)[i][row : row + size, col : col + size]

    def verify(self) -> None:
        """Reads every pixel again; ValueError names the first patch that is not as written."""
        for domain in self.domains:
            for i, record in enumerate(self.records(domain)):
                for side in SIDES[domain]:
                    if layout.digest(self._images[domain, side][i]) != record["digest"][side]:
                        raise ValueError(
                            f"{self.path}: {domain} {side} patch {i} (from {record['source']}) "
                            "is not what was written; make the store again"
                        )
        if layout.fingerprint(self.index) != self.fingerprint:
            raise ValueError(f"{self.path / layout.INDEX}: records differ from the fingerprint")

    def _require(self, domain: str) -> None:
        if domain not in self.domains:
            raise ValueError(f"{self.path}: no {domain!r} patches, only {list(self.domains)}")

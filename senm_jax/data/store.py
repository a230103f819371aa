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

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt8

from senm_jax.data import configurations, files, layout, shards

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
        """One line: the path, patches by domain, their size, the fingerprint's beginning."""
        counts = ", ".join(f"{len(self.records(domain))} {domain}" for domain in self.domains)
        size = "{} x {}".format(*self.patch)
        if self.scale != 1:
            size += " (noisy ones {} x {})".format(*self.patch_of("noisy"))
        return f"{self.path}: {counts} patches of {size}, {self.fingerprint[:12]}"

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


class Writer:
    """Writes a store patch by patch; use it in a ``with`` statement.

    All is written to ``PATH.partial`` and renamed to ``PATH`` when the block ends well; when it
    does not, or the process is killed, ``PATH`` does not exist. A later writer without
    ``resume`` removes what such a one left; with ``resume`` and equal ``patch`` and ``about`` it
    goes on behind the last whole patch (``done`` counts those by domain), and with others it
    starts again.

    Args:
      path: the folder to make; it must not exist.
      patch: height and width of every patch, of a pair's clean one.
      about: JSON values that say how the store was made; kept in the index, outside the
        fingerprint.
      scale: clean size over noisy; above 1 the store holds pairs alone.
    """

    def __init__(
        self, path: str | os.PathLike, *, patch: tuple[int, int], about: Mapping[str, Any],
        resume: bool = False, scale: int = 1,
    ):  # fmt: skip
        self.path = Path(path)
        self.partial = self.path.with_name(self.path.name + layout.PARTIAL)
        layout.refuse_existing(self.path)
        layout.require_scale(self.path, patch, scale)
        self._head = {"schema": layout.SCHEMA, "patch": list(patch), "about": dict(about)}
        self._head |= {"scale": scale} if scale != 1 else {}
        self._scale = scale
        self._shapes = {side: (*layout.patch_of(side, patch, scale), 3)
                        for side in SIDES["paired"]}
        self._records: dict[str, list[dict]] = {}
        if not (resume and self._take_up()):
            layout.clear_partial(self.path)
            files.replace(self.partial / layout.JOURNAL, json.dumps(self._head).encode() + b"\n")
        self._journal = open(self.partial / layout.JOURNAL, "ab")
        self._appenders = {}

    @property
    def done(self) -> dict[str, int]:
        """How many patches of each domain are written."""
        return {domain: len(records) for domain, records in self._records.items()}

    def records(self, domain: str) -> list[dict[str, Any]]:
        """The records written so far of ``domain``."""
        return self._records.get(domain, [])

    def add(
        self,
        domain: str,
        *,
        clean: UInt8[np.ndarray, "h w 3"] | None = None,
        noisy: UInt8[np.ndarray, "h2 w2 3"] | None = None,
        camera: str | None = None,
        iso: int | None = None,
        level: float | None = None,
        source: str,
        position: tuple[int, int] = (0, 0),
        origin: Any = None,
    ) -> None:
        """Appends a patch: both images if ``paired``, clean if ``source``, noisy if ``target``."""
        if domain not in SIDES:
            raise ValueError(f"{self.path}: no domain {domain!r}, only {list(SIDES)}")
        if self._scale != 1 and domain != "paired":
            raise ValueError(
                f"{source}: a store of scale {self._scale} holds pairs alone, got a {domain} patch"
            )
        given = {"clean": clean, "noisy": noisy}
        for side, image in given.items():
            if (image is not None) != (side in SIDES[domain]):
                raise ValueError(f"{source}: a {domain} patch has {SIDES[domain]} and no other")
            shape = self._shapes[side]
            if image is not None and (image.shape != shape or image.dtype != np.uint8):
                raise ValueError(
                    f"{source}: expected uint8 {shape}, got {image.dtype} {image.shape}"
                )
        if level is not None and not (math.isfinite(level) and level >= 0):
            raise ValueError(f"{source}: expected a noise level in [0, 1] units, got {level}")
        record = {
            "camera": camera, "iso": None if iso is None else int(iso),
            "level": None if level is None else float(level), "source": source,
            "position": [int(position[0]), int(position[1])], "origin": origin,
            "digest": {side: layout.digest(given[side]) for side in SIDES[domain]},
        }  # fmt: skip
        line = json.dumps([domain, record])
        for side in SIDES[domain]:
            self._appender(domain, side).append(given[side])
        self._journal.write(line.encode() + b"\n")
        self._journal.flush()
        self._records.setdefault(domain, []).append(json.loads(line)[1])

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind, error, trace) -> None:
        for appender in self._appenders.values():
            appender.close()
        self._journal.close()
        if kind is None:
            self._commit()

    def _commit(self) -> None:
        """Writes the index, then gives the folder its name."""
        if not self._records:
            raise ValueError(f"{self.path}: a store without any patch; nothing was written")
        domains = {
            domain: {
                "count": len(self._records[domain]),
                "shards": shards.counts(len(self._records[domain]), self._shapes["clean"]),
                "records": self._records[domain],
            }
            for domain in SIDES
            if domain in self._records
        }
        index = self._head | {"domains": domains}
        index["fingerprint"] = layout.fingerprint(index)
        files.replace(self.partial / layout.INDEX, json.dumps(index).encode())
        os.rename(self.partial, self.path)
        (self.path / layout.JOURNAL).unlink()

    def _appender(self, domain: str, side: str) -> shards.Appender:
        key = (domain, side)
        if key not in self._appenders:
            done = len(self._records.get(domain, []))
            capacity = shards.capacity(self._shapes["clean"])  # of both sides, so shards are alike
            self._appenders[key] = shards.Appender(
                self.partial, domain, side, self._shapes[side], capacity, done
            )
        return self._appenders[key]

    def _take_up(self) -> bool:
        """Reads an interrupted writer's journal; False when there is none for this store."""
        try:
            *lines, _ = (self.partial / layout.JOURNAL).read_bytes().split(b"\n")
            head, *entries = [json.loads(line) for line in lines]
        except (ValueError, OSError):
            return False
        records: dict[str, list[dict]] = {}
        for domain, record in entries:
            records.setdefault(domain, []).append(record)
        whole = all(
            shards.held(self.partial, domain, side, self._shapes[side]) >= len(records[domain])
            for domain in records
            for side in SIDES[domain]
        )
        if not whole or head != json.loads(json.dumps(self._head)):
            return False
        files.replace(self.partial / layout.JOURNAL, b"".join(line + b"\n" for line in lines))
        self._records = records
        return True

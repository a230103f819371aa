"""Makes a patch store (`store` says what one is): patch by patch, whole or not at all."""

import contextlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from senm_jax.data import files, layout, shards


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
        layout.require_scale(self.path, patch, scale)
        self._head = {"schema": layout.SCHEMA, "patch": list(patch), "about": dict(about)}
        self._head |= {"scale": scale} if scale != 1 else {}
        self._scale = scale
        self._shapes = {side: (*layout.patch_of(side, patch, scale), 3)
                        for side in layout.SIDES["paired"]}
        self._records: dict[str, list[dict]] = {}
        self._appenders = {}
        with contextlib.ExitStack() as held:
            self.partial = held.enter_context(layout.held(self.path))
            if not (resume and self._take_up()):
                layout.clear(self.partial)
                head = json.dumps(self._head).encode() + b"\n"
                files.replace(self.partial / layout.JOURNAL, head)
            self._journal = open(self.partial / layout.JOURNAL, "ab")
            self._held = held.pop_all()

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
        if domain not in layout.SIDES:
            raise ValueError(f"{self.path}: no domain {domain!r}, only {list(layout.SIDES)}")
        if self._scale != 1 and domain != "paired":
            raise ValueError(
                f"{source}: a store of scale {self._scale} holds pairs alone, got a {domain} patch"
            )
        given, sides = {"clean": clean, "noisy": noisy}, layout.SIDES[domain]
        for side, image in given.items():
            if (image is not None) != (side in sides):
                raise ValueError(f"{source}: a {domain} patch has {sides} and no other")
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
            "digest": {side: layout.digest(given[side]) for side in sides},
        }  # fmt: skip
        line = json.dumps([domain, record])
        try:
            for side in sides:
                self._appender(domain, side).append(given[side])
            self._journal.write(line.encode() + b"\n")
            self._journal.flush()
        except OSError as failure:
            raise files.naming(self.partial, failure) from failure
        self._records.setdefault(domain, []).append(json.loads(line)[1])

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._held:
            # Where something failed already, what fails in closing is no news.
            with contextlib.suppress(*[OSError] if kind else []), contextlib.ExitStack() as opened:
                for each in (self._journal, *self._appenders.values()):
                    opened.callback(each.close)
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
            for domain in layout.SIDES
            if domain in self._records
        }
        index = self._head | {"domains": domains}
        index["fingerprint"] = layout.fingerprint(index)
        files.replace(self.partial / layout.INDEX, json.dumps(index).encode())
        layout.finish(self.partial, self.path)
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
        parts = [
            (self.partial, domain, side, self._shapes[side],
             shards.counts(len(records.get(domain, [])), self._shapes["clean"]))
            for domain, sides in layout.SIDES.items() for side in sides
        ]
        same = head == json.loads(json.dumps(self._head))
        if not same or not all(shards.holds(*part) for part in parts):
            return False
        for part in parts:  # now, as nothing more may come for some of them
            shards.settle(*part)
        files.replace(self.partial / layout.JOURNAL, b"".join(line + b"\n" for line in lines))
        self._records = records
        return True

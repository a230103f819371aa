"""Batches of random crops, grouped by domain; the batch of a step is a function of its number."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float64, UInt64

from senm_jax.data import configurations, degrading, draws, store, symmetries

try:
    import grain
except ImportError:  # accelerator images without it train on, reading each batch as it is needed
    grain = None

LAST_STEP = 2**31 - 1
Batch = dict[str, dict[str, np.ndarray]]


class Pipeline:
    """Random crops of patch stores.

    Each row is drawn on its own: a patch of the row's domain, uniformly with replacement over all
    stores (or a store by ``weights`` first, then a patch of it uniformly); a window, uniform over
    all positions; one of the 8 symmetries of the square. Both images of a pair share the last
    two; where stores hold clean patches larger than noisy ones by a scale, the window is drawn in
    the noisy patch and the clean one's is larger by it, at the same place. Every draw is a function
    of seed, domain, step and the row's place in the global batch.

    Args:
      stores: where patches come from.
      rows: rows of each domain in the global batch; a domain with none is left out of it.
      crop: height and width of the crops; clean ones of pairs are larger by the stores' scale.
      seed: the data's seed.
      weights: one non-negative number per store, or none for the number of patches.
      names: of camera configurations (`configurations.name`); where they are given,
        ``configuration`` of a batch counts in them, and a noisy patch of any other is refused.
      levels: where it is given, pairs without a level are refused, and this is what else can be
        done; else theirs is NaN.
      degrader: where it is given, the rows of ``paired`` are made by it of clean patches, those of
        the domain ``source``. Crops of its clean images are larger by its scale.

    Attributes:
      configurations: the sorted (camera, ISO) pairs of all stores; without ``names``
        ``configuration`` of a batch counts in it, -1 where unknown.
      fingerprint: a hash of everything that the batches depend on.
    """

    def __init__(
        self, stores: Sequence[store.Store], rows: Mapping[str, int], crop: int, seed: int,
        weights: Sequence[float] | None = None, names: Sequence[str] = (), levels: str = "",
        degrader: degrading.Degrader | None = None,
    ):
        self._degrader = degrader
        self.stores, self.crop, self.seed = list(stores), crop, seed
        self.rows = {domain: rows[domain] for domain in store.SIDES if rows.get(domain)}
        weights = [float(weight) for weight in weights or ()]
        self._scale = self._scale_of_stores()
        self._check(rows, weights)
        self.configurations = sorted(
            set().union(*(s.configurations for s in self.stores)), key=configurations.order
        )
        known = names or [configurations.name(*pair) for pair in self.configurations]
        place = {name: i for i, name in enumerate(known)}
        self._holders = {
            d: [s for s in self.stores if self._held(d) in s.domains] for d in self.rows
        }
        self._chances = {d: self._store_chances(d, weights) for d in self.rows}
        self._places = {
            (domain, i): np.array(
                [place.get(n, -1) for n in configurations.names(holder.tags(domain))], np.int32)
            for domain, holders in self._holders.items()
            for i, holder in enumerate(holders if self._held(domain) == domain else ())
        }
        self._levels = [
            np.array([record["level"] for record in holder.records("paired")], np.float32)
            for holder in self._holders.get("paired", ()) if not degrader
        ]
        if names:
            self._refuse_others(names)
        if levels:
            self._refuse_unknown_levels(levels)
        content = [[s.fingerprint for s in self.stores], self.rows, crop, seed, weights]
        content += [list(names)] if names else []
        content += [degrader.about] if degrader else []
        self.fingerprint = hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def batch_at(self, step: int, process_index: int = 0, process_count: int = 1) -> Batch:
        """This process's rows of the global batch of ``step`` (from 1): contiguous, equal shares.

        ``{"paired": {"clean", "noisy", "configuration", "level"}, "source": {"clean"}, "target":
        {"noisy", "configuration"}}`` with images uint8 [rows, crop, crop, 3], clean ones of pairs
        [rows, scale * crop, scale * crop, 3]; the level is that of the whole patch, NaN where it is
        not known. Where pairs are made, they are as `degrading.Degrader.rows` says.
        """
        if not 1 <= step <= LAST_STEP:
            raise ValueError(f"step {step}: steps are counted from 1 to {LAST_STEP}")
        batch = {}
        for domain, total in self.rows.items():
            share, rest = divmod(total, process_count)
            if rest:
                raise ValueError(
                    f"rows.{domain} = {total} cannot be shared by {process_count} processes; "
                    "make it a multiple"
                )
            bits = draws.raw(total * 5, "crops", self.seed, domain, step).reshape(total, 5)
            mine = slice(process_index * share, (process_index + 1) * share)
            batch[domain] = self._read(domain, bits[mine])
            if self._held(domain) != domain:
                own = degrading.bits(total, self.seed, step)[mine]
                shared = degrading.bits(1, self.seed, step, "shared")[0]
                batch[domain] = self._degrader.rows(batch[domain]["clean"], own, shared)
        return batch

    def iterate(
        self, first_step: int = 1, process_index: int = 0, process_count: int = 1,
        threads: int = 1, prefetch: int = 4,
    ) -> Iterator[Batch]:
        """The batches from ``first_step`` on, ``prefetch`` of them read ahead by ``threads``.

        Without grain, or with no threads, each batch is read when it is asked for.
        """

        def read(step: int) -> Batch:
            return self.batch_at(int(step), process_index, process_count)

        read(first_step)  # bad arguments are refused here and not in another thread
        if grain is None:
            return map(read, itertools.count(first_step))
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=prefetch)
        steps = grain.MapDataset.range(first_step, LAST_STEP + 1)
        return iter(steps.map(read).to_iter_dataset(options))

    def _read(self, domain: str, bits: UInt64[np.ndarray, "n 5"]) -> dict[str, np.ndarray]:
        """The crops that these draws choose."""
        holders, held = self._holders[domain], self._held(domain)
        n, crop, sides = len(bits), self._side(domain), store.SIDES[held]
        chance = (bits[:, 0] >> np.uint64(11)) * 2.0**-53
        chosen = np.searchsorted(self._chances[domain], chance, side="right")
        sizes = np.array([len(h.records(held)) for h in holders])[chosen]
        windows = np.array([h.patch_of("noisy") for h in holders])[chosen] - crop + 1
        patch, code = draws.below(sizes, bits[:, 1]), draws.below(symmetries.COUNT, bits[:, 4])
        row, col = draws.below(windows[:, 0], bits[:, 2]), draws.below(windows[:, 1], bits[:, 3])
        images = [{side: h.images(held, side) for side in sides} for h in holders]
        times = {side: self._scale if side == "clean" else 1 for side in sides}
        out = {side: np.empty((n, t * crop, t * crop, 3), np.uint8) for side, t in times.items()}
        drawn = list(zip(*(a.tolist() for a in (chosen, patch, row, col, code)), strict=True))
        for i, (s, p, r, c, k) in enumerate(drawn):
            for side, t in times.items():
                window = slice(t * r, t * (r + crop)), slice(t * c, t * (c + crop))
                symmetries.turn_into(out[side][i], images[s][side][p][window], k)
        if "noisy" in sides:
            places = [self._places[domain, s][p] for s, p, *_ in drawn]
            out["configuration"] = np.array(places, np.int32)
        if held == "paired":
            out["level"] = np.array([self._levels[s][p] for s, p, *_ in drawn], np.float32)
        return out

    def _held(self, domain: str) -> str:
        """The domain of the stores' patches that rows of ``domain`` are cut of."""
        return "source" if domain == "paired" and self._degrader else domain

    def _side(self, domain: str) -> int:
        """The side of the crops that are read for ``domain``, of noisy ones where it has them."""
        return self.crop * (1 if self._held(domain) == domain else self._degrader.scale)

    def _scale_of_stores(self) -> int:
        """Clean size over noisy of all stores' patches."""
        scales = {s.scale: s for s in self.stores}
        if len(scales) > 1:
            have = ", ".join(f"{s.path} of {scale}" for scale, s in scales.items())
            raise ValueError(
                "config.data.stores: expected stores of one scale, clean size over noisy, got "
                f"{have}; train on those of one scale"
            )
        return next(iter(scales), 1)

    def _refuse_others(self, names: Sequence[str]) -> None:
        for (domain, i), places in self._places.items():
            wrong = np.flatnonzero(places < 0)
            if "noisy" in store.SIDES[domain] and len(wrong):
                holder = self._holders[domain][i]
                of = configurations.names(holder.tags(domain))
                others = sorted({of[k] or "an unknown camera" for k in wrong})
                raise ValueError(
                    f"{holder.path}: {len(wrong)} {domain} patches are of {', '.join(others)}, "
                    f"which config.hyper.configurations does not name: {', '.join(names)}; name "
                    "them too, or leave it empty to learn those of the training stores"
                )

    def _refuse_unknown_levels(self, remedy: str) -> None:
        for holder, levels in zip(self._holders.get("paired", ()), self._levels, strict=True):
            unknown = np.flatnonzero(np.isnan(levels))
            if len(unknown):
                record = holder.records("paired")[unknown[0]]
                raise ValueError(
                    f"{holder.path}: {len(unknown)} of {len(levels)} pairs have no noise level, "
                    f"the first is patch {unknown[0]}, of {record['source']} at "
                    f"{record['position']}; make the store with their level, as senm-jax prepare "
                    f"and synthesize --level do, or {remedy}"
                )

    def _store_chances(self, domain: str, weights: Sequence[float]) -> Float64[np.ndarray, "n"]:
        """The cumulated chance of each store that holds ``domain``."""
        sizes = [
            weights[i] if weights else len(s.records(self._held(domain)))
            for i, s in enumerate(self.stores)
            if self._held(domain) in s.domains
        ]
        ends = np.cumsum(np.asarray(sizes, np.float64))
        if ends[-1] <= 0:
            raise ValueError(
                f"config.data.weights: every store that holds {domain} patches has weight 0")
        return ends / ends[-1]

    def _check(self, rows: Mapping[str, int], weights: Sequence[float]) -> None:
        unknown = set(rows) - set(store.SIDES)
        if unknown or any(count < 0 for count in rows.values()) or not self.rows:
            raise ValueError(
                f"config.data.rows: expected counts of {list(store.SIDES)}, at least one above 0, "
                f"got {dict(rows)}"
            )
        if weights and (len(weights) != len(self.stores) or min(weights) < 0):
            raise ValueError(
                f"config.data.weights: expected {len(self.stores)} non-negative numbers, one per "
                f"store, got {tuple(weights)}"
            )
        for domain in self.rows:
            held = self._held(domain)
            if not any(held in s.domains for s in self.stores):
                have = "; ".join(f"{s.path} has {', '.join(s.domains)}" for s in self.stores)
                why = "" if held == domain else " (config.data.degradation makes pairs of them)"
                raise ValueError(
                    f"config.data.rows.{domain} = {self.rows[domain]}, but no store has {held} "
                    f"patches{why} ({have or 'config.data.stores is empty'})"
                )
        side = max(map(self._side, self.rows))
        for s in self.stores:
            height, width = s.patch_of("noisy")
            if not 1 <= side <= min(height, width):
                larger = f" (clean crops of {side})" if side != self.crop else ""
                noisy = "noisy " if s.scale != 1 else ""
                raise ValueError(
                    f"config.data.crop = {self.crop}{larger} does not fit the {height} x {width} "
                    f"{noisy}patches of {s.path}; prepare larger patches or take smaller crops"
                )

"""What the loop keeps count of between two rows of the record: metrics and time."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence

import jax

TIMES = ("time/steps_per_second", "time/data_wait", "time/checkpoint", "time/validation",
         "time/remaining")
"""Steps a second of the time that was neither validation nor checkpoint; seconds spent since the
last row waiting for data, saving and validating; estimated seconds to the last step."""

CURRENT = ("learning_rate", "skipped")
"""Terms of which a row shows the latest value; of all others, the mean since the last row."""


class NotFinite(ValueError):
    """A metric is NaN or infinite."""


class Ledger:
    """Means of the metrics over the steps since the last row; refuses what is not finite.

    A step's metrics are entered when it has been started and settled, which waits for it, when
    the next has: the device is never idle for being looked at.
    """

    def __init__(
        self, names: Sequence[str], window: Mapping, most_skipped: Mapping[str, int] | None = None
    ):
        """Begins a row.

        Args:
            names: of the metrics.
            window: what `window` was at the checkpoint gone on from; {} at the beginning.
            most_skipped: how many updates of a player may be skipped because its loss or gradient
                is not finite; the metrics of such a step are in no mean. None and 0: none.
        """
        self._names, self._most_skipped = names, most_skipped or {}
        self._pending = None
        self._count = window.get("count", 0)
        self._sums = dict(window.get("sums", {}))
        self._last = {}

    def enter(self, step: int, metrics: Mapping[str, jax.Array]) -> None:
        """Takes the metrics of a step that has been started."""
        self._pending = (step, metrics)

    def settle(self) -> None:
        """Waits for the step entered last and adds its metrics.

        Raises:
            NotFinite: names the step, the player and the first term that is not finite, or says
                that too many updates were skipped.
        """
        if self._pending is None:
            return
        (step, metrics), self._pending = self._pending, None
        self._last = {name: float(value) for name, value in jax.device_get(metrics).items()}
        wrong = [name for name in self._names if not math.isfinite(self._last[name])]
        for name in wrong:
            self._require_skipped(step, name)
        if wrong:
            return
        for name in self._names:
            self._sums[name] = self._sums.get(name, 0.0) + self._last[name]
        self._count += 1

    def _require_skipped(self, step: int, name: str) -> None:
        """Raises NotFinite unless the update that this metric belongs to may be skipped."""
        player, term = name.split("/", 1)
        most = self._most_skipped.get(player, 0)
        if not most or all(math.isfinite(self._last[f"{player}/{each}"])
                           for each in ("loss", "grad_norm")):
            raise NotFinite(
                f"step {step}: {player}'s {term} is {self._last[name]}; training stopped, and the "
                "last good checkpoint, if there is one, is kept. A lower learning rate, a warm-up "
                "or skip_above may help, in a new --workdir"
            )
        skipped = int(self._last[f"{player}/skipped"])
        if skipped > most:
            raise NotFinite(
                f"step {step}: {skipped} updates of {player} were skipped, more than "
                f"config.optimisers.{player}.skip_not_finite, {most}; training stopped, and the "
                "last good checkpoint, if there is one, is kept. A lower learning rate or a "
                "warm-up may help, in a new --workdir"
            )

    @property
    def window(self) -> dict:
        """The sums since the last row, for a checkpoint: a copy, for it is written later."""
        return {"count": self._count, "sums": dict(self._sums)}

    @property
    def losses(self) -> dict[str, str]:
        """Each player's loss in the step settled last, for a progress bar."""
        return {name.removesuffix("/loss"): f"{value:.4g}"
                for name, value in self._last.items() if name.endswith("/loss")}

    def close(self) -> dict[str, float]:
        """The row's metrics; begins the next row."""
        count = max(self._count, 1)  # where every step was skipped there are no sums: NaN
        row = {name: self._last[name] if name.endswith(CURRENT)
               else self._sums.get(name, math.nan) / count for name in self._names}
        self._count, self._sums = 0, {}
        return row


class Clock:
    """Seconds since the last row, apart by what they went to."""

    def __init__(self, step: int):
        """``step``: how many steps were finished before."""
        self._began, self._step = time.monotonic(), step
        self._spent: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Adds the time within to ``name``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._spent[name] = self._spent.get(name, 0.0) + time.monotonic() - began

    def close(self, step: int, steps: int) -> dict[str, float]:
        """The `TIMES` of the row of step ``step`` of ``steps``; begins the next row."""
        now = time.monotonic()
        spent = {name: self._spent.get(name, 0.0)
                 for name in ("data_wait", "checkpoint", "validation")}
        training = max(now - self._began - spent["checkpoint"] - spent["validation"], 1e-9)
        rate = (step - self._step) / training
        self._began, self._step, self._spent = now, step, {}
        figures = {"steps_per_second": rate, **spent, "remaining": (steps - step) / rate}
        return {name: figures[name.removeprefix("time/")] for name in TIMES}

"""What of a run may not change when it goes on: most of its config, and its data."""

import pathlib
from typing import Any

from senm_jax.training import settings as settings_

MAY_CHANGE = (
    "steps", "log_every", "checkpoint_every", "validate_every", "keep", "best",
    "data.stores", "data.validation",
)
"""What may differ when a run goes on; stores are held to by their content, not by their path."""


def refuse(
    workdir: pathlib.Path, before: settings_.Settings, now: settings_.Settings,
    data_before: str, data_now: str,
) -> None:
    """ValueError where a run that began with ``before`` cannot go on with ``now``."""
    differ = forbidden(before, now)
    if differ:
        what = "; ".join(f"config.{name} was {old!r}, is {new!r}"
                         for name, (old, new) in differ.items())
        raise ValueError(f"{workdir}: holds a run of another config: {what}. Take another "
                         "--workdir, or go on with the old one by --workdir alone")
    if data_before != data_now:
        raise ValueError(
            f"{workdir}: config.data.stores hold other data than the run began with "
            f"(fingerprint {data_now[:12]}, was {data_before[:12]}); take another --workdir"
        )


def forbidden(
    before: settings_.Settings, after: settings_.Settings
) -> dict[str, tuple[Any, Any]]:
    """Dotted name to (before, after) of every setting that differs but must not in one run."""
    old, new = _flat(settings_.plain(before)), _flat(settings_.plain(after))
    differ = {name: (old.get(name), new.get(name))
              for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    cosine = any(each.schedule == "cosine" for each in before.optimisers.values())
    allowed = [name for name in MAY_CHANGE if not (name == "steps" and cosine)]
    return {name: differ[name] for name in sorted(differ) if name not in allowed}


def _flat(tree: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat

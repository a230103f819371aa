"""What a run is, for people and for scripts."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from senm_jax.training import checkpoints, runs
from senm_jax.training import settings as settings_


class Entry(NamedTuple):
    """What `survey` says of one checkpoint."""

    step: int
    saved: str | None
    """Local date and time; None where damaged."""
    fault: str | None
    """What is wrong with it; None where whole."""
    validation: Mapping[str, float]


def describe(path: str | os.PathLike, step: int | None = None) -> dict[str, Any]:
    """The facts of the run in a folder, as JSON values; every checkpoint is read and checked.

    ``step`` chooses the checkpoint whose parameters are described; without it, the one that would
    be used. Where none is whole, "step" is None and there are no parameters.

    Raises:
        ValueError: the folder is no run, or has no checkpoint of ``step``.
    """
    path = pathlib.Path(path)
    config, about = runs.read_config(path), runs.read_about(path)
    found = [entry._asdict() for entry in survey(path / "checkpoints")]
    whole = any(entry["fault"] is None for entry in found)
    run = runs.open(path, step) if whole or step is not None else None
    method = settings_.make_method(config)
    return {
        "run": str(path.resolve()),
        "method": config.method,
        "can": [name for name in ("sample", "restore") if getattr(method, name) is not None],
        "step": run.step if run else None,
        "steps": config.steps,
        "parameters": runs.counts(run.variables) if run else {},
        "digests": runs.digests(run.variables) if run else {},
        "checkpoints": found,
        "data": {"fingerprint": about["data"], "stores": list(config.data.stores)},
        "starts": about["starts"],
        "config": settings_.plain(config),
    }


def survey(folder: str | os.PathLike) -> list[Entry]:
    """Every finished checkpoint with its date and whether it is what was saved."""
    entries = []
    for step in checkpoints.steps(folder):
        try:
            _, meta = checkpoints.read(folder, step, checkpoints.PARTS)
            entries.append(Entry(step, meta["saved"], None, meta["validation"]))
        except checkpoints.Damaged as fault:
            if checkpoints.there(folder, step):
                entries.append(Entry(step, None, str(fault), {}))
    return entries


def text(facts: dict[str, Any]) -> str:
    """The facts as lines to be read."""
    lines = [
        f"run          {facts['run']}",
        f"method       {facts['method']} (can {' and '.join(facts['can']) or 'do nothing yet'})",
        f"step         {'none saved' if facts['step'] is None else facts['step']} "
        f"of {facts['steps']}",
        f"data         {facts['data']['fingerprint'][:16] or 'none'}  "
        f"{' '.join(facts['data']['stores'])}",
        f"parameters   {sum(facts['parameters'].values()):,}  "
        f"digest {facts['digests'].get('total', 'none')}",
    ]
    lines += [f"  {player:<18} {count:>12,}  digest {facts['digests'][player]}"
              for player, count in facts["parameters"].items()]
    lines += ["checkpoints"]
    for entry in facts["checkpoints"]:
        figures = "  ".join(f"{name.removeprefix('validation/')} {value:.4g}"
                            for name, value in entry["validation"].items())
        lines.append(f"  {entry['step']:>10}  {entry['saved'] or 'damaged':<19}  "
                     f"{entry['fault'] or 'whole'}  {figures}".rstrip())
    last = facts["starts"][-1]
    versions = "  ".join(f"{name} {version}" for name, version in last["packages"].items())
    lines += [
        f"made by      senm-jax {last['senm_jax']} {last['git'][:12]}  python {last['python']}",
        f"             {versions}",
        f"on           {last['devices']} x {last['device']} ({last['backend']}), "
        f"{last['cores']} cores, {last['processes']} process(es), started {len(facts['starts'])} "
        "time(s)",
    ]
    return "\n".join(lines)

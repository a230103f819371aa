"""What a run is, for people and for scripts."""

import os
import pathlib
from typing import Any

from senm_jax.training import checkpoints, runs
from senm_jax.training import settings as settings_


def describe(path: str | os.PathLike, step: int | None = None) -> dict[str, Any]:
    """The facts of the run in a folder, as JSON values; every checkpoint is read and checked.

    Raises:
        ValueError: the folder is no run, or has no whole checkpoint.
    """
    run, about = runs.open(path, step), runs.read_about(path)
    return {
        "run": str(pathlib.Path(path).resolve()),
        "method": run.config.method,
        "can": [name for name in ("sample", "restore") if getattr(run.method, name) is not None],
        "step": run.step,
        "steps": run.config.steps,
        "parameters": runs.counts(run.variables),
        "digests": runs.digests(run.variables),
        "checkpoints": [entry._asdict() for entry in checkpoints.survey(run.path / "checkpoints")],
        "data": {"fingerprint": run.data, "stores": list(run.config.data.stores)},
        "starts": about["starts"],
        "config": settings_.plain(run.config),
    }


def text(facts: dict[str, Any]) -> str:
    """The facts as lines to be read."""
    last = facts["starts"][-1]
    total = sum(facts["parameters"].values())
    lines = [
        f"run          {facts['run']}",
        f"method       {facts['method']} (can {' and '.join(facts['can']) or 'nothing yet'})",
        f"step         {facts['step']} of {facts['steps']}",
        f"data         {facts['data']['fingerprint'][:16] or 'none'}  "
        f"{' '.join(facts['data']['stores'])}",
        f"parameters   {total:,}  digest {facts['digests']['total']}",
    ]
    lines += [f"  {player:<18} {count:>12,}  digest {facts['digests'][player]}"
              for player, count in facts["parameters"].items()]
    lines += ["checkpoints"]
    for entry in facts["checkpoints"]:
        figures = "  ".join(f"{name.removeprefix('validation/')} {value:.4g}"
                            for name, value in entry["validation"].items())
        lines.append(f"  {entry['step']:>10}  {entry['saved'] or 'damaged':<19}  "
                     f"{entry['fault'] or 'whole'}  {figures}".rstrip())
    versions = "  ".join(f"{name} {version}" for name, version in last["packages"].items())
    lines += [
        f"made by      senm-jax {last['senm_jax']} {last['git'][:12]}  python {last['python']}",
        f"             {versions}",
        f"on           {last['devices']} x {last['device']} ({last['backend']}), "
        f"{last['cores']} cores, {last['processes']} process(es), started {len(facts['starts'])} "
        "time(s)",
    ]
    return "\n".join(lines)

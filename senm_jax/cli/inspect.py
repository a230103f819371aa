"""``senm-jax inspect``: says what a run is."""

import argparse
import json
import pathlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.add_argument("run_dir", metavar="DIR", type=pathlib.Path, help="a run's folder")
    parser.add_argument("--step", type=int, help="look at this checkpoint, not the one to be used")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the description; returns 1 where a checkpoint is damaged."""
    from senm_jax.training import platform, summary

    platform.start(cpu_devices=1)
    facts = summary.describe(args.run_dir, args.step)
    print(json.dumps(facts, indent=2) if args.json else summary.text(facts))
    return int(any(entry["fault"] for entry in facts["checkpoints"]))

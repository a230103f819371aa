"""The kept cases: arrays rebuilt from a seed, and outputs of the original implementations.

``SENM_PARITY`` names the folder (one sub-folder a system, each with a ``cases.json``); where it
is not set, ``../shared/reference`` beside the checkout is taken.  Without either, tests skip.
"""

import functools
import importlib.util
import json
import os
import pathlib

import numpy as np
import pytest

_BESIDE = pathlib.Path(__file__).resolve().parents[3] / "shared" / "reference"
FOLDER = pathlib.Path(os.environ.get("SENM_PARITY", _BESIDE))


def recipe():
    """The module that rebuilds arrays from (seed, name, shape)."""
    return module("recipe.py")


@functools.cache
def module(path: str):
    """A module of the folder, by its path there."""
    for folder in (FOLDER, _BESIDE):
        if (folder / path).exists():
            name = pathlib.PurePath(path).stem
            spec = importlib.util.spec_from_file_location(name, folder / path)
            loaded = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
            return loaded
    raise FileNotFoundError(f"no {path} in {FOLDER}")


def document(system: str) -> dict | None:
    """The system's ``cases.json``, or None where there is none."""
    path = FOLDER / system / "cases.json"
    return json.loads(path.read_text()) if path.exists() else None


def cases(system: str) -> list:
    """One parameter set a case; a single skipped one where the system has no cases here."""
    found = document(system)
    if found is None:
        reason = f"no {system}/cases.json in {FOLDER}; SENM_PARITY names the folder of cases"
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case["name"]) for case in found["cases"]]


def load(system: str, file: str) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file of the system."""
    with np.load(FOLDER / system / file) as stored:
        return dict(stored)


def manifest(system: str, file: str) -> dict[str, list[int]]:
    """Name and shape of every entry of a checkpoint, in its own order."""
    return json.loads((FOLDER / system / file).read_text())


def assert_close(actual, expected, case: str, output: str, tolerance: float = 1e-5) -> None:
    """Asserts equality to ``tolerance`` of the expected output's largest absolute value."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, (
        f"{case}: {output}: expected shape {expected.shape}, got {actual.shape}"
    )
    largest = np.abs(expected).max()
    error = np.abs(actual - expected).max() / (largest if largest > 0 else 1.0)
    assert error <= tolerance, (
        f"{case}: {output}: off by {error:.2e} of its largest value {largest:.4g};"
        f" allowed {tolerance:.0e}"
    )

"""Every kept list of an official checkpoint's names and shapes is imported and exported whole."""

import numpy as np
import pytest
from parity import cases

from senm_jax.interop import checkpoints, tensor_files

MANIFESTS = [
    ("senm-vae", {"generator": "senm_vae/semi_tiny", "level-predictor": "senm_vae/level_predictor",
                  "discriminator": "senm_vae/discriminator_tiny"}),
    ("senm-vae-paired", {"generator": "senm_vae/paired_tiny"}),
    ("lud-vae", {"generator": "lud_vae/tiny"}),
    ("naflow", {"flow": "naflow/tiny"}),
    ("dncnn", {"restorer": "restorers/dncnn_tiny"}),
    ("dncnn", {"restorer": "naflow/dncnn"}),
    ("vdir", {"restorer": "vdir/tiny.inference"}),
    ("ffdnet", {"restorer": "restorers/ffdnet_tiny"}),
    ("drunet", {"restorer": "restorers/drunet_tiny_map"}),
    ("drunet", {"restorer": "restorers/drunet_tiny_blind"}),
    ("nafnet", {"restorer": "restorers/nafnet_tiny"}),
    ("rrdbnet", {"restorer": "restorers/rrdbnet_x4_tiny"}),
]


def _state(system, manifest):
    """The arrays that the manifest and a seed stand for."""
    if not (cases.FOLDER / manifest).exists():
        pytest.skip(f"no {manifest} in {cases.FOLDER}")
    if system == "naflow":
        weights = cases.module("naflow/case_weights.py")
        return weights.state_dict(cases.FOLDER / manifest, 0)
    state = cases.recipe().state_dict(cases.FOLDER / manifest, 0)
    return {name: value.astype(np.int64) if name.endswith("num_batches_tracked") else value
            for name, value in state.items()}


@pytest.mark.parametrize("system, files", MANIFESTS)
def test_official_files_come_back_byte_for_byte(system, files, tmp_path):
    paths, ending = {}, ".npz" if system == "vdir" else ".pth"
    for part, manifest in files.items():
        paths[part] = tmp_path / f"{part}{ending}"
        tensor_files.write(paths[part], _state(system, f"{manifest}.manifest.json"))
    run = checkpoints.load(system, paths, tmp_path / "run").run
    for part, path in paths.items():
        again = tmp_path / f"again{ending}"
        checkpoints.save(run, again, part)
        assert again.read_bytes() == path.read_bytes()

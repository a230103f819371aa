"""DnCNN on SIDD, on synthetic pairs or real ones, as LUD-VAE trains it.

    senm-jax prepare folder data/sidd --pairs CLEAN NOISY
    senm-jax prepare folder data/sidd_validation --pairs VALIDATION/clean VALIDATION/noisy
    senm-jax train --config configs/dncnn/sidd.py --workdir runs/dncnn_sidd

``--config.data.stores=data/made`` takes synthetic pairs. 17 convolutions, L1, Adam at 1e-4 halved
after 50,000 of 100,000 steps, 64 crops of 40x40, the best PSNR kept of a validation every 500.
``sidd_senm_vae`` and ``sidd_naflow`` are the recipes of these papers. Preset ``cpu`` is a smaller
network for two cores, ``tiny`` a test of seconds.
"""

from configs import common

SMALL = {
    "cpu": ({"depth": 8, "width": 32}, 16, 40, 3000, 500),
    "tiny": ({"depth": 3, "width": 8}, 2, 16, 4, 4),
}
"""By preset: network, rows, crop, steps, and steps between validations."""


def recipe(preset, *, depth, initialiser, loss, adam, rows, crop, steps, validate_every):
    """A paper's DnCNN, locked. Presets keep its loss, initial values, Adam's betas and at which
    part of the steps the rate falls; their rate is higher, and their running statistics move by a
    tenth a step and not nine tenths, because their batches are small."""
    size = {"depth": depth, "width": 64}
    momentum = 0.9
    if preset:
        whole, momentum = steps, 0.1
        size, rows, crop, steps, validate_every = SMALL[preset]
        falls = tuple(step * steps // whole for step in adam["halve_at"])
        adam = {**adam, "learning_rate": 1e-3, "halve_at": falls}
    return common.restorer(
        "dncnn",
        {**size, "body_bias": True, "epsilon": 1e-4, "momentum": momentum,
         "initialiser": initialiser},
        adam,
        loss=loss,
        data={"stores": ("data/sidd",), "rows": rows, "crop": crop,
              "validation": "data/sidd_validation"},
        steps=steps,
        validate_every=validate_every,
        best="validation/restored_psnr",
    )


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return recipe(
        common.preset(arg, ("tiny", "cpu")), depth=17, initialiser="orthogonal", loss="l1",
        adam={"halve_at": (50_000,)}, rows=64, crop=40, steps=100_000, validate_every=500,
    )

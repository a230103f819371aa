"""NAFNet of width 64 on SIDD, tuned further on a noise model's pairs as SeNM-VAE does.

    senm-jax import-checkpoint --system nafnet NAFNet-SIDD-width64.pth --out runs/nafnet64
    senm-jax prepare folder data/sidd --pairs CLEAN NOISY
    senm-jax prepare folder data/sidd_validation --pairs VALIDATION/clean VALIDATION/noisy
    senm-jax train --config configs/nafnet/sidd.py --workdir runs/nafnet_sidd

It starts from the released weights in ``runs/nafnet64``: Adam at 1e-5 falling to 0 by a cosine over
400,000 steps, 2 crops of 256x256, the best PSNR on ``data/sidd_validation`` kept. Its loss is not
published; this is NAFNet's own. Presets ``width32`` and ``width64`` are NAFNet's training from the
beginning; theirs saw no flipped or turned crops, these do. ``cpu`` tunes the small network that
`polyu`'s ``cpu`` trains, from ``runs/nafnet_cpu``, ``tiny`` is a test of seconds.
"""

from configs import common

BLOCKS = {"encoder": (2, 2, 4, 8), "middle": 12, "decoder": (2, 2, 2, 2)}
CPU = {"width": 16, "encoder": (1, 1, 1), "middle": 1, "decoder": (1, 1, 1)}
TINY = {"width": 4, "encoder": (1,), "middle": 1, "decoder": (1,)}


def original(width: int) -> dict:
    """Optimiser, rows and steps of NAFNet's own training of a width."""
    return {
        "adam": {"learning_rate": 1e-3, "b1": 0.9, "b2": 0.9, "schedule": "cosine", "final": 1e-7,
                 "clip_norm": 0.01},
        "rows": 32 if width == 32 else 64,
        "steps": 200_000 if width == 32 else 400_000,
    }


def get_config(arg=""):
    """The locked config; presets ``width32``, ``width64``, ``cpu`` and ``tiny``."""
    preset = common.preset(arg, ("width32", "width64", "cpu", "tiny"))
    tuned = {"adam": {"learning_rate": 1e-5, "schedule": "cosine"}, "rows": 2, "steps": 400_000}
    size, crop, recipe, validate_every, start = {
        "": ({"width": 64, **BLOCKS}, 256, tuned, 20_000, "runs/nafnet64"),
        "width32": ({"width": 32, **BLOCKS}, 256, original(32), 20_000, ""),
        "width64": ({"width": 64, **BLOCKS}, 256, original(64), 20_000, ""),
        "cpu": (CPU, 64, {**tuned, "rows": 8, "steps": 2000}, 500, "runs/nafnet_cpu"),
        "tiny": (TINY, 16, {**tuned, "steps": 4}, 4, ""),
    }[preset]
    return common.restorer(
        "nafnet", size, recipe["adam"], loss="psnr",
        data={"stores": ("data/sidd",), "rows": recipe["rows"], "crop": crop,
              "validation": "data/sidd_validation"},
        steps=recipe["steps"],
        validate_every=validate_every,
        best="validation/restored_psnr",
        start=start,
    )

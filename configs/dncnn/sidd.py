"""DnCNN on SIDD, on synthetic pairs or real ones, by the recipe of each paper that uses it.

    senm-jax prepare folder data/sidd --pairs CLEAN NOISY
    senm-jax train --config configs/dncnn/sidd.py --workdir runs/dncnn_sidd

``--config.data.stores=data/made`` takes synthetic pairs. By default LUD-VAE's: 17 convolutions, L1,
Adam at 1e-4 halved after 50,000 of 100,000 steps, 64 crops of 40x40, the best PSNR kept of a
validation every 500. Preset ``senm_vae``: halved after 100,000 and 200,000 of 300,000, validated
every 5,000. Preset ``naflow``: NeCA's, 20 convolutions, squared error, Adam (0.5, 0.9) at 1e-3, a
tenth after a third of 300 epochs, 8 crops of 96x96; an epoch is taken for 2,000 steps, about a crop
of each tile of 512 of SIDD-Medium. ``tiny`` is a test of seconds.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``senm_vae``, ``naflow`` and ``tiny``."""
    preset = common.preset(arg, ("senm_vae", "naflow", "tiny"))
    size = {"depth": 20 if preset == "naflow" else 17, "width": 64}
    adam, rows, crop, steps, validate_every = {
        "": ({"halve_at": (50_000,)}, 64, 40, 100_000, 500),
        "senm_vae": ({"halve_at": (100_000, 200_000)}, 64, 40, 300_000, 5000),
        "naflow": ({"learning_rate": 1e-3, "b1": 0.5, "b2": 0.9, "halve_at": (200_000,),
                    "decay": 0.1}, 8, 96, 600_000, 5000),
        "tiny": ({}, 2, 16, 4, 4),
    }[preset]
    if preset == "tiny":
        size = {"depth": 3, "width": 8}
    return common.restorer(
        "dncnn",
        {**size, "body_bias": True, "epsilon": 1e-4, "momentum": 0.9,
         "initialiser": "normal" if preset == "naflow" else "orthogonal"},
        adam,
        loss="mse" if preset == "naflow" else "l1",
        data={"stores": ("data/sidd",), "rows": rows, "crop": crop,
              "validation": "data/sidd_validation"},
        steps=steps,
        validate_every=validate_every,
        best="validation/restored_psnr",
    )

"""SeNM-VAE on the PolyU real-noise photographs.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/senm_vae/polyu.py:cpu --workdir runs/senm_vae
"""

from configs import common

NOISE_STD = 0.0185
"""Of the training photographs' noise, on the [0, 1] scale."""


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {
        "": {"width": 64, "growth": 32, "levels": (2, 4)},
        "cpu": {"width": 24, "growth": 12, "levels": (1, 2)},
        "tiny": {"width": 8, "growth": 4, "levels": (1, 1)},
    }[preset]
    objective = {
        "": {"kl_anneal_steps": 10_000, "gan_weight": 0.1},
        "cpu": {"kl_anneal_steps": 500, "gan_weight": 0.0},
        "tiny": {"kl_anneal_steps": 10, "gan_weight": 0.1},
    }[preset]
    halve_at = (150_000, 225_000, 270_000, 285_000)
    adam = {
        "": {"learning_rate": 1e-4, "halve_at": halve_at},
        "cpu": {"learning_rate": 1e-3, "halve_at": ()},
        "tiny": {"learning_rate": 1e-3, "halve_at": ()},
    }[preset]
    optimisers = {
        "generator": common.optimiser(**adam, skip_above=150.0, skip_norm_of="^translator/"),
    }
    if objective["gan_weight"]:
        optimisers["discriminator"] = common.optimiser(**adam)
    every = {
        "": {},
        "cpu": {"checkpoint_every": 500, "validate_every": 250},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    rows, crop = {"": (3, 64), "cpu": (4, 32), "tiny": (2, 24)}[preset]
    return common.experiment(
        method="senm_vae",
        hyper={
            **size,
            "degradation_channels": 16 if preset == "" else 4,
            "downs": 0,
            "open_content": preset == "cpu",
            "dtype": "float32",
            "from_clean": 0.5,
            "kl_weight": common.carried_kl_weight(NOISE_STD),
            **objective,
            "kl_z_ratio": 1e-7,
            "level_weight": 1.0,
            "lpips_weight": 0.0,
            "lpips_file": "",
            "lpips_signed": False,
            "discriminator_width": {"": 64, "cpu": 32, "tiny": 8}[preset],
        },
        optimisers=optimisers,
        data={
            "stores": ("data/polyu/train",),
            "rows": {"paired": rows, "source": rows, "target": rows},
            "crop": crop,
            "validation": "data/polyu/test",
        },
        steps={"": 300_000, "cpu": 4000, "tiny": 4}[preset],
        **every,
    ).lock()

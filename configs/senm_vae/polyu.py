"""SeNM-VAE on the PolyU real-noise photographs.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/senm_vae/polyu.py:cpu --workdir runs/senm_vae
"""

from ml_collections import config_dict

from configs import common

NOISE_STD = 0.0185
"""Of the training photographs' noise, on the [0, 1] scale."""
PUBLISHED = {"open_content": False, "from_clean": 0.5, "kl_z_ratio": 1e-7, "level_unit": 0.0,
             "patch_level": False, "correct_level": False}
SHORT = {"open_content": True, "from_clean": 1.0, "kl_z_ratio": 2e-3, "patch_level": True,
         "correct_level": True}
"""For thousands of steps instead of 300,000. The image passes from the start, for from zero that
would take most of them; a pair's content is always drawn from its clean image, so that only zn can
carry the noise; and KL(z) counts for more. Of the unpaired noisy rows the content still carries the
noise (RESULTS.md, which also has what was tried against it)."""


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return experiment(
        common.preset(arg, ("tiny", "cpu")), noise_std=NOISE_STD,
        stores=("data/polyu/train",), validation="data/polyu/test",
    )


def experiment(preset, *, noise_std, stores, validation=""):
    """The locked config of SeNM-VAE as published, for noise of the given standard deviation.

    ``noise_std`` is on the [0, 1] scale; the weight of KL(zn) goes with it.
    """
    size = {
        "": {"width": 64, "growth": 32, "levels": (2, 4), "downs": 0,
             "degradation_channels": 16, "predictor_width": 64},
        "cpu": {"width": 32, "growth": 12, "levels": (1,), "downs": 1,
                "degradation_channels": 12, "predictor_width": 16},
        "tiny": {"width": 8, "growth": 4, "levels": (1, 1), "downs": 0,
                 "degradation_channels": 4, "predictor_width": 16},
    }[preset]
    per_pixel = size["degradation_channels"] / 4 ** size["downs"]
    # Of the short run the weight of KL(zn) follows the unit, where another is told.
    unit = config_dict.FieldReference(noise_std) if preset == "cpu" else noise_std
    objective = {
        "": {"kl_anneal_steps": 10_000, "gan_weight": 0.1, **PUBLISHED},
        "cpu": {"kl_anneal_steps": 300, "gan_weight": 0.0, **SHORT, "level_unit": unit},
        "tiny": {"kl_anneal_steps": 10, "gan_weight": 0.1, **PUBLISHED},
    }[preset]
    halve_at = (150_000, 225_000, 270_000, 285_000)
    adam = {
        "": {"learning_rate": 1e-4, "halve_at": halve_at, "skip_above": 150.0},
        "cpu": {"learning_rate": 5e-4, "b2": 0.99, "warmup": 50, "schedule": "cosine",
                "skip_above": 5.0},
        "tiny": {"learning_rate": 1e-3, "skip_above": 150.0},
    }[preset]
    optimisers = {
        "generator": common.optimiser(**adam, skip_norm_of="^translator/"),
    }
    if objective["gan_weight"]:
        optimisers["discriminator"] = common.optimiser(**adam | {"skip_above": 0.0})
    every = {
        "": {},
        "cpu": {"checkpoint_every": 1000, "validate_every": 1250},
        "tiny": {"log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    paired, unpaired, crop = {"": (3, 3, 64), "cpu": (4, 2, 32), "tiny": (2, 2, 24)}[preset]
    return common.experiment(
        method="senm_vae",
        hyper={
            **size,
            "dtype": "float32",
            "kl_weight": common.carried_kl_weight(unit, per_pixel),
            **objective,
            "level_weight": 1.0,
            "lpips_weight": 0.0,
            "lpips_file": "",
            "lpips_signed": False,
            "discriminator_width": {"": 64, "cpu": 32, "tiny": 8}[preset],
        },
        optimisers=optimisers,
        data={
            "stores": stores,
            "rows": {"paired": paired, "source": unpaired, "target": unpaired},
            "crop": crop,
            "validation": validation,
        },
        steps={"": 300_000, "cpu": 3000, "tiny": 4}[preset],
        **every,
    ).lock()

"""The fully paired SeNM-VAE on the PolyU real-noise photographs, all of them as pairs.

    senm-jax prepare polyu DATA data/polyu --pairs all
    senm-jax train --config configs/senm_vae_paired/polyu.py --workdir runs/senm_vae_paired

The released network and objective; LPIPS, of weight 0.01 there, is off for want of its weights.
``:tiny`` is a test of seconds.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    tiny = common.preset(arg, ("tiny",)) == "tiny"
    adam = {"learning_rate": 1e-4, "halve_at": (150_000, 225_000, 270_000, 285_000)}
    every = {"log_every": 2, "checkpoint_every": 2, "validate_every": 4} if tiny else {}
    return common.experiment(
        method="senm_vae_paired",
        hyper={
            "width": 8 if tiny else 64,
            "growth": 4 if tiny else 32,
            "levels": (1, 1) if tiny else (4, 4),
            "dtype": "float32",
            "kl_weight": 1e-4,
            "kl_anneal_steps": 10_000,
            "lpips_weight": 0.0,
            "lpips_file": "",
            "lpips_signed": False,
            "gan_weight": 0.01,
            "discriminator_width": 8 if tiny else 64,
        },
        optimisers={
            "generator": common.optimiser(**adam, skip_above=150.0),
            "discriminator": common.optimiser(**adam),
        },
        data={
            "stores": ("data/polyu/train",),
            "rows": {"paired": 2 if tiny else 16, "source": 0, "target": 0},
            "crop": 24 if tiny else 64,
            "validation": "data/polyu/test",
        },
        steps=4 if tiny else 300_000,
        **every,
    ).lock()

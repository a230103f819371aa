"""SeNM-VAE on the simulated camera of ``senm-jax quickstart``: about two minutes on two cores.

The simulated noise's correlation ends after one pixel, so one level at full size suffices. What
departs from the published objective is what ``configs/senm_vae/polyu.py:cpu`` departs in.
"""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny`` is a test of seconds."""
    tiny = common.preset(arg, ("tiny",)) == "tiny"
    return common.experiment(
        method="senm_vae",
        hyper={
            "width": 12,
            "growth": 4,
            "levels": (1,),
            "degradation_channels": 4,
            "downs": 0,
            "predictor_width": 16,
            "open_content": True,
            "dtype": "float32",
            "from_clean": 1.0,
            "kl_weight": 1e-4,
            "kl_z_ratio": 1e-2,
            "kl_anneal_steps": 1000,
            "level_weight": 0.1,
            "lpips_weight": 0.0,
            "lpips_file": "",
            "lpips_signed": False,
            "gan_weight": 0.0,
            "discriminator_width": 64,
        },
        optimisers={
            "generator": common.optimiser(
                learning_rate=3e-3, b2=0.99, warmup=50, schedule="cosine", skip_above=5.0
            ),
        },
        data={
            "stores": ("quickstart/pairs", "quickstart/unpaired"),
            "rows": {"paired": 4, "source": 2, "target": 2},
            "crop": 24,
        },
        steps=4 if tiny else 2500,
    ).lock()

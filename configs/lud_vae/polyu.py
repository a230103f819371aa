"""LUD-VAE on the PolyU real-noise photographs: clean and noisy patches of different scenes.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/lud_vae/polyu.py --workdir runs/lud_vae

What is published for SIDD, with all noise in proportion to PolyU's: the noise that hides the
domains' difference goes with the noise to be learnt. The store's pairs are not learnt from.
``:cpu`` is a smaller network for two cores, ``:tiny`` a test of seconds.
"""

from configs import common

NOISE_STD = 0.0185
"""Of the training photographs' noise, on the [0, 1] scale."""
RATIO = NOISE_STD / common.SIDD_NOISE_STD


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    config = common.lud_vae(
        preset,
        stores=("data/polyu/train",),
        clean_noise_255=40 * RATIO,
        noisy_noise_255=20 * RATIO,
        sample_noise_255=(30 * RATIO, 70 * RATIO),
        kl_weight=1e-4 * RATIO**2,
    ).unlock()
    config.data.validation = "data/polyu/test"
    config.validate_every = 4 if preset == "tiny" else 5000
    if preset == "cpu":
        config.hyper.update(width=24, kl_anneal_steps=300, open_noise_255=255 * NOISE_STD)
        config.optimisers.generator.update(
            learning_rate=2e-4, b2=0.99, warmup=200, schedule="cosine", halve_at=()
        )
        config.data.update(rows={"paired": 0, "source": 4, "target": 4}, crop=32)
        config.update(steps=3000, checkpoint_every=1000, validate_every=1500)
    return config.lock()

"""Flow-sRGB on SIDD's sRGB pairs, as published.

    senm-jax train --config configs/flow_srgb/sidd.py --workdir runs/flow_srgb

wants the stores of ``configs/naflow/sidd.py``, whose records have SIDD's camera, with one of the
five ISOs below; patches of the other ISOs are refused. Published: 3.072 nats per number
(``flow/nll``) and KLD 0.044, at different epochs. Training is set to 2,000 epochs there, of 1,176
steps; the samples' KLD is best at epoch 60, where this stops, and the likelihood at epoch 150; a
larger ``--config.steps`` goes on. Mixed precision is left out: the network is tiny. The preset
``tiny`` is a smoke test.
"""

from configs import common

CAMERAS = ("IP", "GP", "S6", "N6", "G4")
ISOS = (100, 400, 800, 1600, 3200)


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    preset = common.preset(arg, ("tiny",))
    return common.pixel_noise(
        preset,
        method="flow_srgb",
        hyper={
            # The order of the released table: all cameras at the first ISO, and so on.
            "configurations": tuple(f"{camera}_{iso:05d}" for iso in ISOS for camera in CAMERAS),
            "groups": 1 if preset == "tiny" else 4,
        },
        store="data/sidd_tagged/train",
        validation="data/sidd_tagged/test",
    )

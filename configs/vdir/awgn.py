"""VDIR for white Gaussian noise of an unknown level, sigma 5 to 70, as published.

    senm-jax prepare folder data/div2k --clean DIV2K/train --patch 192
    senm-jax train --config configs/vdir/awgn.py --workdir runs/vdir

wants a store of clean patches, of the size that `sr_x4` needs; the noise is made on the fly, with a
level for each image (released: one for the whole batch,
``--config.data.degradation_per_batch=true``). A batch's pairs are split evenly between
discriminator and generator: 16 each. Published PSNR on CBSD68: 36.34, 30.64, 28.33 and 26.94 dB at
sigma 10, 30, 50, 70. ``:cpu`` is a smaller network for two cores, which starts by passing the image
on, ``:tiny`` a test of seconds. Published patches are a grid of stride 120 without flat ones; here
they are random (``--per-image 100`` for as many). `awgn_naive`, `awgn_unjudged` and `awgn_ffdnet`
are the paper's ablations.
"""

from configs import common

DEGRADATION = "awgn,sigma_255=5:70"
SIZES = {
    "": {"width": 64, "blocks": 5, "layers": 5},
    "cpu": {"width": 24, "blocks": 2, "layers": 2},
    "tiny": {"width": 4, "blocks": 1, "layers": 1},
}
RUN = {
    "": {"steps": 400_000, "checkpoint_every": 10_000, "validate_every": 10_000},
    "cpu": {"steps": 4000, "checkpoint_every": 1000, "validate_every": 1000},
    "tiny": {"steps": 4, "log_every": 2, "checkpoint_every": 2, "validate_every": 4},
}


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    return noise(common.preset(arg, ("tiny", "cpu")))


def noise(preset, **changes):
    """The locked config of VDIR for white noise, with changes to the method's fields."""
    return experiment(
        preset, degradation=DEGRADATION, crop=96, rows=32, estimate="sigma", **changes)


def experiment(preset, *, degradation, crop, rows, scale=1, stores=("data/div2k",), validation="",
               **changes):
    """The locked config of a VDIR, with changes to the method's fields.

    ``crop`` and ``rows`` are the published ones: of a batch's noisy images, those of both players.
    """
    size = trunk(preset, scale)
    hyper = {
        "restorer": "rir",
        "architecture": size,
        "width": size["width"],
        "latent": 4,
        "channels": 3,
        "estimate": "sigma",
        "estimate_weight": 1.0,
        "kl_weight": 0.01,
        "gan_weight": 1e-3,
        "discriminator_width": {"": 64, "cpu": 8, "tiny": 2}[preset],
        "sample_latent": False,
        "dtype": "float32",
        **changes,
    }
    rows, crop = {"": (rows, crop), "cpu": (16, 40), "tiny": (4, 16)}[preset]
    optimisers = {"generator": common.optimiser(**rate(preset))}
    if hyper["gan_weight"]:
        optimisers["discriminator"] = common.optimiser(b1=0.5, **rate(preset))
    else:
        rows //= 2
    return common.experiment(
        method="vdir",
        hyper=hyper,
        optimisers=optimisers,
        data=data(stores, rows, crop, degradation, validation),
        **RUN[preset],
    ).lock()


def trunk(preset, scale=1):
    """Fields of VDIR's own restorer."""
    return {**SIZES[preset], "scale": scale, "open_start": preset == "cpu" and scale == 1}


def rival(preset, network, architecture, **run):
    """The locked config of another restorer, trained on the same noise by L1; ``run`` is what
    differs from VDIR's steps."""
    rows, crop = {"": (16, 96), "cpu": (8, 40), "tiny": (2, 16)}[preset]
    pairs = data(("data/div2k",), rows, crop, DEGRADATION, "")
    return common.restorer(
        network, architecture, rate(preset), data={**pairs, "rows": rows}, **{**RUN[preset], **run}
    )


def data(stores, rows, crop, degradation, validation):
    """What is learnt from: pairs, made by a degradation where it has a name."""
    return {
        "stores": stores,
        "rows": {"paired": rows, "source": 0, "target": 0},
        "crop": crop,
        "validation": validation,
        "degradation": degradation,
    }


def rate(preset):
    """Fields of either player's Adam."""
    return {
        "": {"learning_rate": 2e-4, "final": 2e-5,
             "halve_at": (100_000, 200_000, 300_000, 400_000)},
        "cpu": {"learning_rate": 1e-3, "warmup": 50, "schedule": "cosine"},
        "tiny": {"learning_rate": 1e-3},
    }[preset]

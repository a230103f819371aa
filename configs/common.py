"""Blocks that experiments share. Configs import this and each other, never the package."""

from ml_collections import config_dict

SIDD_NOISE_STD = 0.08
"""SIDD's noise, for which weights are published, is 0.05 to 0.15 on the [0, 1] scale; this is taken
for it, chosen within that range by what the learnt noise of PolyU was like."""


def optimiser(**changes) -> dict:
    """One player's Adam at a constant rate, with ``changes``; see training/settings.py."""
    fields = {
        "learning_rate": 1e-4,
        "b1": 0.9,
        "b2": 0.999,
        "eps": 1e-8,
        "schedule": "steps",
        "halve_at": (),
        "decay": 0.5,
        "final": 0.0,
        "warmup": 0,
        "skip_above": 0.0,
        "skip_norm_of": ".*",
        "skip_not_finite": 0,
        "weight_decay": 0.0,
        "clip_norm": 0.0,
    }
    return _with(fields, changes)


def experiment(*, method: str, hyper: dict, optimisers: dict, data: dict, steps: int,
               **changes) -> config_dict.ConfigDict:
    """A whole config, unlocked: what every experiment must decide, and defaults for the rest.

    ``data`` must give ``stores``, ``rows`` and ``crop``.
    """
    fields = {
        "seed": 0,
        "log_every": 100,
        "checkpoint_every": 5000,
        "validate_every": 5000,
        "keep": 2,
        "best": "",
        "compute": {"matmul_precision": "default", "deterministic": False},
        "mesh": {"data": -1, "model": 1},
        "sharding": (),
        "start": "",
    }
    return config_dict.ConfigDict({
        "method": method,
        "hyper": hyper,
        "data": {
            "weights": (), "validation": "", "degradation": "", "degradation_per_batch": False,
            **data,
        },
        "steps": steps,
        "optimisers": optimisers,
        **_with(fields, changes),
    }, convert_dict=True)


def preset(arg: str, known: tuple[str, ...]) -> str:
    """``arg`` where it is a known preset or "", the experiment as published.

    Raises:
        ValueError: it is neither.
    """
    if arg and arg not in known:
        raise ValueError(f"preset: expected one of {', '.join(known)} or none, got {arg!r}")
    return arg


def lud_vae(preset: str, *, stores: tuple[str, ...], **settings) -> config_dict.ConfigDict:
    """LUD-VAE as published on ``stores``, locked; preset ``tiny`` is a test of seconds.

    ``settings`` are those in which the published experiments differ, fields of
    `methods.lud_vae.Config`: at least the noise that is added to the clean images and to the
    noisy ones, and to clean images that are translated.
    """
    tiny = preset == "tiny"
    rows = 2 if tiny else 8
    hyper = {
        "width": 6 if tiny else 128,
        "layers": 3,
        "dtype": "float32",
        "restore_noise_255": 0.0,
        "sample_temperature": (1.0, 1.0),
        "match_255": {},
        "kl_weight": 1e-4,
        "kl_anneal_steps": 10 if tiny else 10_000,
        "open_noise_255": 0.0,
    }
    every = {"log_every": 2, "checkpoint_every": 2} if tiny else {}
    return experiment(
        method="lud_vae",
        hyper={**hyper, **settings},
        # The release steps its scheduler before the update: step 100,000 has the halved rate.
        optimisers={"generator": optimiser(halve_at=(99_999,))},
        data={
            "stores": stores,
            "rows": {"paired": 0, "source": rows, "target": rows},
            "crop": 16 if tiny else 64,
        },
        steps=4 if tiny else 200_000,
        **every,
    ).lock()


def configuration_names(isos: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Names of camera configurations as stores have them, from the ISO settings of each camera."""
    return tuple(f"{camera}_{iso:05d}" for camera, settings in isos.items() for iso in settings)


def pixel_noise(
    preset: str, *, method: str, hyper: dict, store: str, validation: str, **changes
) -> config_dict.ConfigDict:
    """A noise model of pixels and near neighbours on a store of pairs, locked: Flow-sRGB's recipe.

    32x32 crops in batches of 138, Adam at 1e-4; the 70,560 steps are 60 of its epochs on SIDD.
    Presets: ``cpu`` shorter, for two cores, ``tiny`` for a test of seconds; ``changes`` are
    those of `experiment` in the recipe or the preset.
    """
    rows, crop = {"": (138, 32), "cpu": (32, 32), "tiny": (4, 16)}[preset]
    adam = {
        "": {},
        "cpu": {"learning_rate": 1e-2, "warmup": 100, "schedule": "cosine"},
        "tiny": {"learning_rate": 1e-2},
    }[preset]
    run = {
        "": {"steps": 70_560, "checkpoint_every": 5880, "validate_every": 5880},
        "cpu": {"steps": 3000, "checkpoint_every": 1000, "validate_every": 1000},
        "tiny": {"steps": 4, "log_every": 2, "checkpoint_every": 2, "validate_every": 4},
    }[preset]
    return experiment(
        method=method,
        hyper=hyper,
        optimisers={"flow": optimiser(skip_not_finite=1000, **adam)},
        data={
            "stores": (store,),
            "rows": {"paired": rows, "source": 0, "target": 0},
            "crop": crop,
            "validation": validation,
        },
        **{**run, **changes},
    ).lock()


def restorer(
    network: str, architecture: dict, adam: dict, *, data: dict, steps: int, loss: str = "l1",
    level: float = 0.0, **changes,
) -> config_dict.ConfigDict:
    """A restorer trained on pairs, locked; ``data`` gives ``stores``, ``rows`` (of pairs),
    ``crop`` and ``validation``, and ``adam`` and ``changes`` are those of `optimiser` and
    `experiment`."""
    return experiment(
        method="supervised",
        hyper={"network": network, "architecture": architecture, "loss": loss, "level": level,
               "dtype": "float32"},
        optimisers={"restorer": optimiser(**adam)},
        data={**data, "rows": {"paired": data["rows"], "source": 0, "target": 0}},
        steps=steps,
        **changes,
    ).lock()


def esrgan(preset: str, *, stores: tuple[str, ...]) -> config_dict.ConfigDict:
    """ESRGAN as LUD-VAE, DeFlow and SeNM-VAE train it, locked; preset ``cpu`` is a smaller network
    for two cores that starts afresh, ``tiny`` a test of seconds.

    The crop is the low-resolution image's; the clean one's side is four times that.
    """
    width, growth, blocks, judge, rows, crop, steps, rate, halve_at = {
        "": (64, 32, 23, 64, 16, 32, 60_001, 1e-4, (5_000, 10_000, 20_000, 30_000)),
        "cpu": (16, 8, 2, 16, 4, 32, 2000, 2e-4, (1000, 1500, 1750)),
        "tiny": (8, 4, 1, 4, 2, 8, 4, 1e-4, ()),
    }[preset]
    every = {"": {}, "cpu": {"checkpoint_every": 500, "validate_every": 500},
             "tiny": {"log_every": 2, "checkpoint_every": 2}}[preset]
    adam = optimiser(learning_rate=rate, halve_at=halve_at)
    return experiment(
        method="esrgan",
        hyper={
            "width": width,
            "growth": growth,
            "blocks": blocks,
            "dtype": "float32",
            "pixel_weight": 0.01,
            "feature_weight": 0.0,
            "feature_file": "",
            "gan_weight": 0.005,
            "discriminator_width": judge,
            "discriminator_hidden": 100,
            "discriminator_side": 4 * crop,
            "discriminator_kair": False,
        },
        optimisers={"restorer": adam, "discriminator": adam},
        data={
            "stores": stores,
            "rows": {"paired": rows, "source": 0, "target": 0},
            "crop": crop,
        },
        steps=steps,
        start="" if preset else "runs/rrdbnet",
        **every,
    ).lock()


def carried_kl_weight(noise_std: float, per_pixel: float) -> float:
    """SeNM-VAE's published weight of KL(zn), carried over to another noise and latent.

    The published 0.01 goes with 16 latent values a pixel (of the finest grid) and with SIDD's
    noise, `SIDD_NOISE_STD`. The squared error is a Gaussian decoder's log-likelihood times twice
    its variance, so the weight that keeps the balance goes with the noise's variance; and KL(zn) is
    a mean over the latent's elements, so it goes with their number, ``per_pixel``.
    """
    return 0.01 * (noise_std / SIDD_NOISE_STD) ** 2 * per_pixel / 16


def _with(fields: dict, changes: dict) -> dict:
    unknown = sorted(set(changes) - set(fields))
    if unknown:
        raise TypeError(f"unknown {', '.join(unknown)}; known are {', '.join(fields)}")
    return {**fields, **changes}

"""Small runs for tests that apply one."""

import jax
import numpy as np

from senm_jax.training import runs, settings

OPTIMISER = {
    "learning_rate": 1e-4, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "schedule": "steps",
    "halve_at": (), "decay": 0.5, "final": 0.0, "warmup": 0, "skip_above": 0.0,
    "skip_norm_of": ".*",
}


def create(path, method, hyper, players, stores=()):
    """A run of fresh variables."""
    config = settings.resolve({
        "method": method, "hyper": hyper, "seed": 0, "steps": 0, "log_every": 1,
        "data": {"stores": stores, "weights": (), "crop": 8, "validation": "",
                 "rows": {"paired": 0, "source": 0, "target": 0}},
        "checkpoint_every": 1, "validate_every": 1, "keep": 1, "best": "",
        "optimisers": {player: OPTIMISER for player in players},
        "compute": {"matmul_precision": "default", "deterministic": False},
        "mesh": {"data": -1, "model": 1}, "sharding": (),
    })
    image = np.zeros((1, 8, 8, 3), np.uint8)
    batch = {"paired": {"clean": image, "noisy": image}}
    return runs.create(path, config, settings.make_method(config).init(jax.random.key(0), batch))


def white(path, stores=()):
    """A run of white Gaussian noise, as if trained on ``stores``."""
    return create(path, "white_gaussian", {"level": 0.05}, (), stores)


def lud_vae(path):
    """A run of a small LUD-VAE with random weights, whose pre-noise has a range."""
    hyper = {"width": 4, "layers": 1, "sample_noise_255": (30.0, 70.0)}
    return create(path, "lud_vae", hyper, ("generator",))


def dncnn(path):
    """A run of a small restorer with random weights."""
    hyper = {"network": "dncnn", "architecture": {"depth": 3, "width": 4}}
    return create(path, "supervised", hyper, ("restorer",))


def ffdnet(path):
    """A run of a small restorer with random weights that is told the level of noise."""
    hyper = {"network": "ffdnet", "architecture": {"depth": 2, "width": 4}}
    return create(path, "supervised", hyper, ("restorer",))

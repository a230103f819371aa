"""DeFlow on NTIRE 2020's real-world super-resolution images, track 1.

    senm-jax prepare folder data/ntire20 --clean CLEAN_X4 --noisy NOISY
    senm-jax train --config configs/deflow/ntire20.py --workdir runs/deflow_ntire20

CLEAN_X4 holds the clean training images reduced by 4 (bicubic), NOISY the source images as they
are. The smaller network of the release, at half the rate; otherwise as `configs/deflow/aim19.py`.
Preset ``tiny`` is a test of seconds.
"""

from configs import common
from configs.deflow import aim19


def get_config(arg=""):
    """The locked config; preset ``tiny``."""
    preset = common.preset(arg, ("tiny",))
    config = aim19.experiment(preset, stores=("data/ntire20",))
    if not preset:
        config.hyper.update(scale=4, hidden=64)
        config.optimisers.flow.learning_rate = 5e-5
    return config.lock()

"""DnCNN for white Gaussian noise of an unknown level, beside VDIR.

    senm-jax train --config configs/dncnn/awgn.py --workdir runs/dncnn_awgn

Data, rate and steps are those of ``configs/vdir/awgn_naive.py``. One level for a whole batch
(``degradation_per_batch``) would mislead batch normalisation, which sees all levels at once at
test. 20 convolutions as published for colour. ``:cpu`` has about as many parameters as
``configs/vdir/awgn.py:cpu`` (its discriminator not counted), ``:tiny`` is a test of seconds.
"""

from configs import common
from configs.vdir import awgn


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    size = {"": {"depth": 20, "width": 64}, "cpu": {"depth": 13, "width": 32},
            "tiny": {"depth": 3, "width": 8}}[preset]
    more = {"body_bias": True, "epsilon": 1e-4, "momentum": 0.1 if preset else 0.9,
            "initialiser": "orthogonal"}
    return awgn.rival(preset, "dncnn", {**size, **more})

"""DeFlow on the PolyU real-noise photographs: clean and noisy patches of different scenes.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/deflow/polyu.py:cpu --workdir runs/deflow

What is published, but for the dequantisation, whose noise stays in what is generated: finer, as
PolyU's noise is finer than the degradations of the published sets. The store's pairs are not
learnt from. ``:cpu`` is a smaller network for two cores, ``:tiny`` a test of seconds.
"""

from configs import common
from configs.deflow import aim19


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``."""
    preset = common.preset(arg, ("tiny", "cpu"))
    return aim19.experiment(
        preset, stores=("data/polyu/train",), validation="data/polyu/test", bins=256
    ).lock()

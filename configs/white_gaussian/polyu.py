"""White Gaussian noise, the baseline noise model: there is nothing to learn.

    senm-jax prepare polyu DATA data/polyu --pairs 96
    senm-jax train --config configs/white_gaussian/polyu.py --workdir runs/white

Training takes no step; it only makes the run's folder, so that ``senm-jax synthesize`` and
``senm-jax evaluate`` treat the baseline as any other run. Its noise has the levels of the stores
named here unless synthesis is told others. Presets ``tiny`` and ``cpu`` are the same.
"""

from configs import common


def get_config(arg=""):
    """The locked config; presets ``tiny`` and ``cpu``, all alike."""
    common.preset(arg, ("tiny", "cpu"))
    return common.experiment(
        method="white_gaussian",
        hyper={"level": 0.05, "correct_level": True},
        optimisers={},
        data={
            "stores": ("data/polyu/train",),
            "rows": {"paired": 0, "source": 0, "target": 0},
            "crop": 64,
        },
        steps=0,
    ).lock()

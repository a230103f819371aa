"""White Gaussian noise, what ``senm-jax quickstart`` compares the learnt noise with."""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny`` is the same, there being nothing to learn."""
    common.preset(arg, ("tiny",))
    return common.experiment(
        method="white_gaussian",
        hyper={"level": 0.05, "correct_level": True},
        optimisers={},
        data={
            "stores": (),
            "rows": {"paired": 0, "source": 0, "target": 0},
            "crop": 32,
        },
        steps=0,
    ).lock()

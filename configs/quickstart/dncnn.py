"""A small DnCNN on the pairs that ``senm-jax quickstart`` makes: under a minute on two cores."""

from configs import common


def get_config(arg=""):
    """The locked config; preset ``tiny`` is a test of seconds."""
    tiny = common.preset(arg, ("tiny",)) == "tiny"
    return common.experiment(
        method="supervised",
        hyper={
            "network": "dncnn",
            "architecture": {
                "depth": 5, "width": 24, "body_bias": True, "epsilon": 1e-4, "momentum": 0.1,
                "initialiser": "orthogonal",
            },
            "loss": "l1",
            "dtype": "float32",
        },
        optimisers={
            "restorer": common.optimiser(learning_rate=3e-3, warmup=20, schedule="cosine"),
        },
        data={
            "stores": ("quickstart/synthetic",),
            "rows": {"paired": 8, "source": 0, "target": 0},
            "crop": 40,
        },
        steps=4 if tiny else 400,
    ).lock()

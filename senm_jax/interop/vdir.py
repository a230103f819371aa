"""VDIR's released TensorFlow 1 variables, by name; kernels lie as ours do.

A checkpoint is read as an .npz of its variables, which TensorFlow writes by

    reader = tf.train.load_checkpoint(PATH)
    numpy.savez("vdir.npz", **{name: reader.get_tensor(name)
                               for name in reader.get_variable_to_shape_map()})

It holds the encoder ("EST") and the restorer ("Denoise") alone, sorted by name. The graph
of training has besides the decoder ("DEC"), the estimator (in the encoder's scope) and the
discriminator ("DIS"); no file of those was released.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

State = Mapping[str, np.ndarray]
Path = tuple[str, ...]

_HEADS = {"mu": "mean", "sigma": "log_variance"}
_DECODER = {"conv_in": "conv_in", "conv1": "conv1", "conv2": "conv2", "conv3": "conv3",
            "conv5": "conv_out"}
_ESTIMATOR = {"conv_est1": "conv1", "conv_est_out": "conv2"}
_DISCRIMINATOR = (*(f"conv{i}_{j}" for i in range(1, 6) for j in (1, 2)), "conv6_2")


def architecture(state: State) -> dict[str, Any]:
    """The fields of `methods.vdir.Config` that a checkpoint shows.

    Raises:
        KeyError: it has no such variable.
    """
    latent = state["EST/mu/conv2d/kernel"].shape
    first, last = (state[f"Denoise/conv{i}/conv2d/kernel"].shape for i in (1, 3))
    groups = {name.split("/")[1] for name in state if name.startswith("Denoise/RIRBlock")}
    layers = {name.split("/")[2] for name in state if name.startswith("Denoise/RIRBlock0/RBlock")}
    return {
        "width": latent[2],
        "latent": latent[3],
        "channels": last[3],
        "architecture": {"width": first[3], "blocks": len(groups), "layers": len(layers),
                         "scale": 1},
    }


def network(blocks: int, layers: int) -> dict[str, Path]:
    """Where each variable of a checkpoint lies in the parameters of `nn.vdir.VDIR`, sorted."""
    table = {}
    for i in range(1, 6):
        table |= _conv(f"EST/conv{i}", ("encoder", f"conv{i}"))
    for official, ours in _HEADS.items():
        table |= _conv(f"EST/{official}", ("encoder", ours))
    for i in range(1, 4):
        table |= _conv(f"Denoise/conv{i}", ("restorer", f"conv{i}"))
    for i in range(blocks):
        group = f"Denoise/RIRBlock{i}"
        table |= _conv(f"{group}/conv_out", ("restorer", f"group{i}", "conv_out"))
        for j in range(layers):
            for k in (1, 2):
                path = ("restorer", f"group{i}", f"block{j}_conv{k}")
                table |= _conv(f"{group}/RBlock{j}/conv{k}", path)
    return dict(sorted(table.items()))


def training() -> dict[str, dict[str, Path]]:
    """The same of what is there in training alone: ``decoder``, ``estimator`` (of three outputs at
    every pixel) and ``discriminator``, whose paths begin with the collection."""
    tables = {
        name: {variable: path for official, ours in names.items()
               for variable, path in _conv(f"{scope}/{official}", (ours,)).items()}
        for name, scope, names in (("decoder", "DEC", _DECODER), ("estimator", "EST", _ESTIMATOR))
    }
    leaves = {"kernel": "params", "u": "statistics", "bias": "params"}
    tables["discriminator"] = {
        f"DIS/{conv}/{leaf}": (collection, conv, leaf)
        for conv in _DISCRIMINATOR for leaf, collection in leaves.items()
    }
    return tables


def read(state: State, table: Mapping[str, Path]) -> dict[str, Any]:
    """Our nested tree of the variables that a table names."""
    tree = {}
    for name, path in table.items():
        place = tree
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = np.asarray(state[name])
    return tree


def write(tree: Mapping[str, Any], table: Mapping[str, Path]) -> dict[str, np.ndarray]:
    """The variables of our tree, in the table's order."""
    state = {}
    for name, path in table.items():
        value = tree
        for key in path:
            value = value[key]
        state[name] = np.asarray(value)
    return state


def _conv(official: str, path: Path) -> dict[str, Path]:
    return {f"{official}/conv2d/{leaf}": (*path, leaf) for leaf in ("kernel", "bias")}

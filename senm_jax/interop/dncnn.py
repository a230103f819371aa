"""DnCNN checkpoints of KAIR, NeCA and C2N: one flat sequence ``model.0`` ... in the state dict.

``model.0`` is the first convolution; block i has its convolution at 3i + 2 and its batch
normalisation at 3i + 3; the last convolution is at 3 (depth - 2) + 2. Activations take the indices
between. The counters ``num_batches_tracked`` are read by nobody and written as 0.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop import torch_layout

State = Mapping[str, np.ndarray]

_NORM = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("statistics", "mean"),
    "running_var": ("statistics", "variance"),
}


def architecture(state: State) -> dict[str, Any]:
    """The fields of `nn.dncnn.DnCNN` that the state dict shows: depth, width, bias, channels.

    The epsilon and momentum of batch normalisation are not in a state dict.

    Raises:
        ValueError: it is not a DnCNN with batch normalisation.
    """
    convs = sum(1 for value in state.values() if np.ndim(value) == 4)
    last = f"model.{3 * convs - 4}.weight"
    if convs < 2 or np.ndim(state.get("model.0.weight")) != 4 or np.ndim(state.get(last)) != 4:
        raise ValueError(
            f"state dict: expected a DnCNN with batch normalisation, whose {convs} convolutions "
            f"would be 'model.0' to {last!r}, got {sorted(state)[:6]} ..."
        )
    return {
        "depth": convs,
        "width": state["model.0.weight"].shape[0],
        "body_bias": "model.2.bias" in state and convs > 2,
        "channels": state[last].shape[0],
    }


def read(state: State) -> dict[str, Any]:
    """Our ``{"params", "statistics"}`` of an official state dict (numpy arrays by name).

    Raises:
        ValueError: it is not a DnCNN with batch normalisation, or entries are missing or left over.
    """
    fields = architecture(state)
    table = _table(fields["depth"], fields["body_bias"])
    entries = {name for name in state if not name.endswith("num_batches_tracked")}
    missing, unknown = sorted(set(table) - entries), sorted(entries - set(table))
    if missing or unknown:
        raise ValueError(f"state dict: missing entries {missing}, unknown entries {unknown}")
    variables = {"params": {}, "statistics": {}}
    for name, (collection, module, leaf) in table.items():
        value = np.asarray(state[name])
        value = torch_layout.conv(value) if leaf == "kernel" else value
        variables[collection].setdefault(module, {})[leaf] = value
    return variables


def write(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The official state dict of our ``{"params", "statistics"}``, in the official order."""
    params = variables["params"]
    depth = 2 + sum(1 for module in params if module.startswith("body_"))
    state = {}
    for name, (collection, module, leaf) in _table(
        depth, "bias" in params.get("body_0", {})
    ).items():
        value = np.asarray(variables[collection][module][leaf])
        state[name] = torch_layout.conv_back(value) if leaf == "kernel" else value
        if name.endswith("running_var"):
            state[name.replace("running_var", "num_batches_tracked")] = np.zeros((), np.int64)
    return state


def _table(depth: int, body_bias: bool) -> dict[str, tuple[str, str, str]]:
    """Official name -> (collection, module, leaf) of ours, in the official order."""

    def conv(index, module, bias=True):
        rows = {f"model.{index}.weight": ("params", module, "kernel")}
        return rows | ({f"model.{index}.bias": ("params", module, "bias")} if bias else {})

    table = conv(0, "first")
    for i in range(depth - 2):
        table |= conv(3 * i + 2, f"body_{i}", body_bias)
        for name, (collection, leaf) in _NORM.items():
            table[f"model.{3 * i + 3}.{name}"] = (collection, f"norm_{i}", leaf)
    return table | conv(3 * (depth - 2) + 2, "last")

"""FFDNet checkpoints of KAIR: convolution i is ``model.2i``; activations take the odd numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from senm_jax.interop.torch_layout import Entry


def architecture(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of `nn.ffdnet.FFDNet` that a state dict shows.

    Raises:
        ValueError: its first convolution does not see four times the channels and one map.
    """
    first = np.shape(state["model.0.weight"])
    if len(first) != 4 or first[1] % 4 != 1:
        raise ValueError(
            "state dict: expected an FFDNet, whose 'model.0.weight' has 4 c + 1 inputs, got shape "
            f"{first}"
        )
    depth = sum(1 for name in state if name.endswith(".weight"))
    return {"depth": depth, "width": first[0], "channels": first[1] // 4}


def network(depth: int) -> dict[str, Entry]:
    """The table of an FFDNet."""
    return {
        f"model.{2 * i}.{kind}": Entry(("params", f"conv_{i}", leaf))
        for i in range(depth) for kind, leaf in (("weight", "kernel"), ("bias", "bias"))
    }

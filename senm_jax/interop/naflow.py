"""Official NAFlow checkpoints: the flow, the conditioning and the configurations' Gaussians.

Names may begin with ``model.``, as Lightning saves them. Of the 1,114,955 parameters of the release
894,839 act; those are ours. The rest are read over, and written as an identity or zeros: the
matrix ``I`` (36,864) and the convolution ``flowUpsamplerNet.f.0`` (24,960), which the network never
uses, and what it masks out of the triangular factors ``l`` and ``u`` (158,292). Its permutation
matrices ``p`` and signs ``sign_s`` (158,292 entries, no parameters) are our ``statistics``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from senm_jax.interop import torch_layout

State = Mapping[str, np.ndarray]

_PREFIX = "model."
_FLOW = "flowUpsamplerNet.layers"
_GAUSSIANS = {"mean_shift_": "mean", "cov_shift_": "std"}
_NORM = {"bias": "bias", "logs": "log_scale"}
_CONV = {"weight": "kernel", "bias": "bias"}
_FACTORS = ("l", "log_s", "u", "p", "sign_s")
_UNUSED = "flowUpsamplerNet.f.0"
_UNUSED_CHANNELS = 384


def architecture(state: State) -> dict[str, Any]:
    """The fields of `methods.naflow.Config` that a state dict shows.

    Raises:
        ValueError: it is no NAFlow.
    """
    state = _bare(state)
    if "cond_net.down1.weight" not in state:
        raise ValueError(
            "state dict: expected a NAFlow with 'cond_net.down1.weight', "
            f"got {sorted(state)[:4]} ..."
        )
    levels = sum(1 for name in state if re.fullmatch(r"cond_net\.down\d+\.bias", name)) - 1
    norms = sum(1 for name in state if re.fullmatch(rf"{_FLOW}\.\d+\.actnorm\.bias", name))
    blocks = [name for name in state if name.endswith(".affine.fFeatures.0.weight")]
    return {
        "configurations": tuple(
            name.removeprefix("mean_shift_") for name in state if name.startswith("mean_shift_")
        ),
        "levels": levels,
        "transitions": (norms - len(blocks)) // (levels + 1),
        "blocks": len(blocks) // levels,
        "width": state["cond_net.down1.weight"].shape[0],
        "hidden": state[blocks[0]].shape[0],
    }


def read(state: State) -> dict[str, Any]:
    """Our ``{"params", "statistics"}`` of the player ``flow`` of `methods.naflow`.

    Raises:
        ValueError: it is no NAFlow, entries are missing or unknown, or a permutation is none.
    """
    fields, state = architecture(state), _bare(state)
    expected = set(_names(fields))
    missing, unknown = sorted(expected - set(state)), sorted(set(state) - expected)
    if missing or unknown:
        raise ValueError(f"state dict: missing entries {missing}, unknown entries {unknown}")
    params, statistics = {}, {}
    for name, path in _plain(fields).items():
        _put(params, ("network", *path), _ours(name, np.asarray(state[name])))
    for name, path in _factored(fields):
        lower, log_s, upper, place, sign = (np.asarray(state[f"{name}.{f}"]) for f in _FACTORS)
        # Chosen and not added up, so that -0.0 stays what it is.
        below, above = (np.tri(len(log_s), k=k, dtype=bool) for k in (-1, 0))
        lu = np.where(below, lower, np.where(above, np.diag(log_s), upper))
        _put(params, ("network", *path, "lu"), lu)
        _put(statistics, ("network", *path, "order"), _order(f"{name}.p", place))
        _put(statistics, ("network", *path, "sign"), sign)
    for prefix, field in _GAUSSIANS.items():
        rows = [np.asarray(state[prefix + each]) for each in fields["configurations"]]
        _put(params, ("configurations", field), np.stack(rows))
    return {"params": params, "statistics": statistics}


def write(variables: Mapping[str, Any], configurations: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The official state dict, in the official order; ``configurations`` names the table's rows.

    Raises:
        ValueError: there are not as many names as rows.
    """
    params, statistics = variables["params"], variables["statistics"]["network"]
    network, table = params["network"], params["configurations"]
    if len(configurations) != len(table["mean"]):
        raise ValueError(
            f"configurations: expected {len(table['mean'])} names, one a row of the table, "
            f"got {len(configurations)}"
        )
    fields = {**_sizes(network), "configurations": configurations}
    channels = table["mean"].shape[1]
    found = {"I": np.eye(channels, dtype=np.float32)}
    for i, each in enumerate(configurations):
        found |= {prefix + each: np.asarray(table[field][i])
                  for prefix, field in _GAUSSIANS.items()}
    for name, path in _plain(fields).items():
        found[name] = _official(name, np.asarray(_get(network, path)))
    for name, path in _factored(fields):
        lu = np.asarray(_get(network, (*path, "lu")))
        buffers, eye = _get(statistics, path), np.eye(len(lu), dtype=np.float32)
        place, sign = eye[np.asarray(buffers["order"])], np.asarray(buffers["sign"])
        factors = (np.tril(lu, -1), np.diag(lu).copy(), np.triu(lu, 1), place, sign)
        found |= {f"{name}.{f}": value for f, value in zip(_FACTORS, factors, strict=True)}
    hidden = found[f"{_FLOW}.{_layers(fields)[-1][0]}.affine.fFeatures.0.weight"].shape[0]
    found[f"{_UNUSED}.weight"] = np.zeros((_UNUSED_CHANNELS, hidden, 1, 1), np.float32)
    found[f"{_UNUSED}.bias"] = np.zeros(_UNUSED_CHANNELS, np.float32)
    return {name: found[name] for name in _names(fields)}


def _bare(state: State) -> State:
    """The state dict without Lightning's prefix."""
    return {name.removeprefix(_PREFIX): value for name, value in state.items()}


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    """Every entry's name, in the official order."""
    yield "I"
    for each in fields["configurations"]:
        yield from (prefix + each for prefix in _GAUSSIANS)
    plain = _plain(fields)
    yield from (name for name in plain if name.startswith("cond_net."))
    for number, _, _ in _layers(fields):
        layer = f"{_FLOW}.{number}."
        yield from (name for name in plain if name.startswith(f"{layer}actnorm."))
        yield from (f"{layer}invconv.{factor}" for factor in _FACTORS)
        yield from (name for name in plain if name.startswith(f"{layer}affine."))
    yield from (f"{_UNUSED}.{leaf}" for leaf in _CONV)


def _layers(fields: Mapping[str, Any]) -> list[tuple[int, str, tuple[str, ...]]]:
    """(official number, kind, path of ours) of every layer with weights, in encoding order."""
    kinds = ["transition"] * fields["transitions"]
    found = [("conv", ("embedding", "layers_0"))]
    found += [(kind, ("embedding", f"layers_{i + 1}")) for i, kind in enumerate(kinds)]
    kinds += ["block"] * fields["blocks"]
    for level in range(fields["levels"]):
        found.append(("squeeze", ()))
        found += [(kind, (f"flows_{level}", f"layers_{i + 1}")) for i, kind in enumerate(kinds)]
    return [(i, kind, path) for i, (kind, path) in enumerate(found) if kind != "squeeze"]


def _plain(fields: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Official name -> path of ours, of all that is a parameter by itself."""
    table = _rows("cond_net.down1", ("conditioning", "wide"), _CONV)
    for level in range(fields["levels"]):
        table |= _rows(f"cond_net.down{2 ** (level + 1)}", ("conditioning", f"level_{level}"),
                       _CONV)
    for number, kind, path in _layers(fields):
        layer = f"{_FLOW}.{number}"
        if kind != "conv":
            table |= _rows(f"{layer}.actnorm", (*path, "layers_0"), _NORM)
        if kind == "block":
            table |= _network(f"{layer}.affine.fFeatures", (*path, "layers_3", "network"))
            table |= _network(f"{layer}.affine.fAffine", (*path, "layers_2", "network"))
    return table


def _factored(fields: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """(official name, path of ours) of every invertible convolution."""
    return [
        (f"{_FLOW}.{number}.invconv", path if kind == "conv" else (*path, "layers_1"))
        for number, kind, path in _layers(fields)
    ]


def _network(official: str, path: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    table = {f"{official}.0.weight": (*path, "first", "kernel")}
    table |= _rows(f"{official}.0.actnorm", (*path, "first_norm"), _NORM)
    table |= _rows(f"{official}.2.body.0", (*path, "wide"), _CONV)
    table[f"{official}.2.body.2.weight"] = (*path, "second", "kernel")
    table |= _rows(f"{official}.2.body.2.actnorm", (*path, "second_norm"), _NORM)
    table |= _rows(f"{official}.3", (*path, "last"), _CONV)
    return table | {f"{official}.3.logs": (*path, "log_gain")}


def _rows(official, path, leaves):
    return {f"{official}.{leaf}": (*path, ours) for leaf, ours in leaves.items()}


def _ours(name: str, value: np.ndarray) -> np.ndarray:
    return torch_layout.conv(value) if name.endswith(".weight") else value.reshape(-1)


def _official(name: str, value: np.ndarray) -> np.ndarray:
    if name.endswith(".weight"):
        return torch_layout.conv_back(value)
    if ".actnorm." in name:
        return value.reshape(1, -1, 1, 1)
    return value.reshape(-1, 1, 1) if name.endswith(".logs") else value


def _order(name: str, place: np.ndarray) -> np.ndarray:
    """Which entry each row of a permutation matrix takes."""
    ones = place == 1
    if not (((place == 0) | ones).all() and (ones.sum(0) == 1).all() and (ones.sum(1) == 1).all()):
        raise ValueError(f"state dict: {name}: expected a permutation matrix")
    return place.argmax(1).astype(np.int32)


def _sizes(network: Mapping[str, Any]) -> dict[str, int]:
    levels = sum(1 for name in network if name.startswith("flows_"))
    transitions = len(network["embedding"]) - 1
    return {"levels": levels, "transitions": transitions,
            "blocks": len(network["flows_0"]) - transitions}


def _put(tree: dict, path: tuple[str, ...], value: np.ndarray) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value


def _get(tree: Mapping, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree

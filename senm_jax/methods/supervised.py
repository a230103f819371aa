"""A restorer trained on pairs: the network's output against the clean image."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base
from senm_jax.nn import dncnn, vdir
from senm_jax.ops import pixels

NETWORKS = {"dncnn": dncnn.DnCNN, "rir": vdir.Restorer}
"""Restorers by name: Flax modules called with ``(noisy, train=...)`` that keep running statistics,
if any, in the collection ``statistics``, and whose properties ``multiple``, ``radius`` (None:
unbounded) and ``scale`` say what `base.Reach` does."""

LOSSES = {
    "l1": lambda restored, clean: jnp.mean(jnp.abs(restored - clean)),
    "mse": lambda restored, clean: jnp.mean(jnp.square(restored - clean)),
}
"""Means over all rows, pixels and channels, on the [0, 1] scale."""


@dataclasses.dataclass(frozen=True)
class Config:
    """What is trained: a network of `NETWORKS` with its own fields, and a loss of `LOSSES`."""

    network: str = "dncnn"
    architecture: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the network's module; those left out keep the module's defaults."""
    loss: str = "l1"
    dtype: str = "float32"
    """Compute type of the network; parameters, statistics and the loss are float32."""


def make(config: Config) -> base.Method:
    """The method with one player, ``restorer``, which learns from the domain ``paired``.

    Raises:
        ValueError: an unknown network, field of it, loss or compute type.
    """
    network = _network(config)
    if config.loss not in LOSSES:
        raise ValueError(f"loss: expected one of {sorted(LOSSES)}, got {config.loss!r}")

    def init(key, batch):
        height, width = batch["paired"]["noisy"].shape[1:3]
        noisy = jnp.zeros((1, height, width, 3), jnp.float32)
        variables = network.init(key, noisy, train=False)
        return {"restorer": {"params": variables["params"],
                             "statistics": variables.get("statistics", {})}}

    def loss(player, params, context):
        pair = context.batch["paired"]
        clean, noisy = pixels.to_float(pair["clean"]), pixels.to_float(pair["noisy"])
        statistics = context.variables[player]["statistics"]
        restored, updated = network.apply(
            {"params": params, "statistics": statistics}, noisy, train=True,
            mutable=["statistics"],
        )
        value = LOSSES[config.loss](restored, clean)
        metrics = {config.loss: value, "psnr": _psnr(restored, clean)}
        return value, base.Outcome(metrics, updated.get("statistics", {}))

    def restore(variables, noisy, key, origin):
        return network.apply(variables["restorer"], noisy, train=False)

    reach = None
    if network.radius is not None:
        reach = base.Reach(network.multiple, network.radius, network.scale)
    return base.Method(("restorer",), init, loss, restore=restore, restore_reach=reach)


def _network(config: Config):
    if config.network not in NETWORKS:
        raise ValueError(f"network: expected one of {sorted(NETWORKS)}, got {config.network!r}")
    kind = NETWORKS[config.network]
    known = {field.name for field in dataclasses.fields(kind)} - {"parent", "name", "dtype"}
    unknown = sorted(set(config.architecture) - known)
    if unknown:
        raise ValueError(
            f"architecture: {config.network} has the fields {sorted(known)}, got {unknown}"
        )
    if config.dtype not in ("float32", "bfloat16", "float16"):
        raise ValueError(f"dtype: expected float32, bfloat16 or float16, got {config.dtype!r}")
    return kind(**config.architecture, dtype=jnp.dtype(config.dtype))


def _psnr(restored: Float[Array, "b h w c"], clean: Float[Array, "b h w c"]) -> jax.Array:
    """PSNR in dB of the batch as a whole, without clipping or rounding: a training signal only."""
    return -10 * jnp.log10(jnp.maximum(jnp.mean(jnp.square(restored - clean)), 1e-12))

"""A restorer trained on pairs: the network's output against the clean image."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from senm_jax.methods import base, checks
from senm_jax.nn import dncnn, drunet, ffdnet, initial, nafnet, rrdb, vdir_restorer
from senm_jax.ops import pixels

NETWORKS = {
    "dncnn": dncnn.DnCNN, "drunet": drunet.DRUNet, "ffdnet": ffdnet.FFDNet,
    "nafnet": nafnet.NAFNet, "rrdbnet": rrdb.RRDBNet, "rir": vdir_restorer.Restorer,
}
"""Restorers by name: Flax modules called with ``(noisy, train=...)`` that keep running statistics,
if any, in the collection ``statistics``, and whose properties ``multiple``, ``radius`` (None:
unbounded) and ``scale`` say what `base.Reach` does. Where there is a property ``takes_level`` and
it is true, they are called with ``(noisy, level, train=...)``, the noise's standard deviation."""

LOSSES = {
    "l1": lambda restored, clean: jnp.mean(jnp.abs(restored - clean)),
    "mse": lambda restored, clean: jnp.mean(jnp.square(restored - clean)),
    "psnr": lambda restored, clean: jnp.mean(
        10 * jnp.log10(jnp.mean(jnp.square(restored - clean), (1, 2, 3)) + 1e-8)
    ),
}
"""Means over all rows, pixels and channels, on the [0, 1] scale; ``psnr`` is the mean over rows of
minus the PSNR in dB, of NAFNet's training."""


@dataclasses.dataclass(frozen=True)
class Config:
    """What is trained: a network of `NETWORKS` with its own fields, and a loss of `LOSSES`."""

    network: str = "dncnn"
    architecture: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the network's module; those left out keep the module's defaults."""
    loss: str = "l1"
    level: float = 0.0
    """Standard deviation, on the [0, 1] scale, of the noise that a network that is told it restores
    from; it learns under each pair's own."""
    dtype: str = "float32"
    """Compute type of the network; parameters, statistics and the loss are float32."""


def make(config: Config) -> base.Method:
    """The method with one player, ``restorer``, which learns from the domain ``paired``.

    Raises:
        ValueError: an unknown network, field of it, loss or compute type, a field of the wrong
            type or out of range, or a level for a network that is not told it.
    """
    network = _network(config)
    if config.loss not in LOSSES:
        raise ValueError(f"loss: expected one of {sorted(LOSSES)}, got {config.loss!r}")
    told = getattr(network, "takes_level", False)
    if not 0 <= config.level <= 1:
        raise ValueError(
            f"level: expected a standard deviation in (0, 1], or 0 for none, got {config.level}")
    if config.level and not told:
        raise ValueError(f"level: expected 0, this network is not told it, got {config.level}")

    def apply(variables, noisy, level, **how):
        given = (noisy, level) if told else (noisy,)
        return network.apply(variables, *given, **how)

    def init(key, batch):
        height, width = checks.pairs("supervised", batch)["noisy"].shape[1:3]
        noisy, level = (jax.ShapeDtypeStruct(s, jnp.float32) for s in ((1, height, width, 3), (1,)))
        given = (noisy, level) if told else (noisy,)
        variables = initial.variables(network, key, *given, train=False)
        return {"restorer": {"params": variables["params"],
                             "statistics": variables.get("statistics", {})}}

    def loss(player, params, context):
        pair = checks.pairs("supervised", context.batch)
        clean, noisy = pixels.to_float(pair["clean"]), pixels.to_float(pair["noisy"])
        statistics = context.variables[player]["statistics"]
        restored, updated = apply(
            {"params": params, "statistics": statistics}, noisy, pair["level"] if told else None,
            train=True, mutable=["statistics"],
        )
        require_scale(restored, clean, noisy)
        value = LOSSES[config.loss](restored, clean)
        metrics = {config.loss: value, "psnr": batch_psnr(restored, clean)}
        return value, base.Outcome(metrics, updated.get("statistics", {}))

    def restore(variables, noisy, key, origin):
        if told and config.level <= 0:
            raise ValueError(
                f"config.hyper.level: expected the standard deviation of the noise, in (0, 1], "
                f"which {config.network} is told; got {config.level}"
            )
        level = jnp.full(noisy.shape[0], config.level, jnp.float32)
        return apply(variables["restorer"], noisy, level, train=False)

    return base.Method(
        ("restorer",), init, loss, restore=restore, takes_level=told, restore_reach=reach(network),
        needs_levels="take a blind config.hyper.network" if told else "",
    )


def reach(network: nn.Module) -> base.Reach | None:
    """What tiling must know of a restorer; None where it depends on the whole image."""
    if network.radius is None:
        return None
    return base.Reach(network.multiple, network.radius, network.scale)


def require_scale(restored: jax.Array, clean: jax.Array, noisy: jax.Array) -> None:
    """Raises ValueError unless the clean images are as large as the restored ones."""
    if restored.shape != clean.shape:
        raise ValueError(
            f"config.data.stores: this network makes {restored.shape[1]}x{restored.shape[2]} "
            f"pixels of a crop of {noisy.shape[1]}x{noisy.shape[2]}, but the clean crops have "
            f"{clean.shape[1]}x{clean.shape[2]}: use stores of pairs of that ratio"
        )


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
    checks.compute_type(config)
    usual = {field.name: field.default for field in dataclasses.fields(kind)}
    for name, value in config.architecture.items():
        expected = type(usual[name])
        fits = type(value) is expected or expected is float and type(value) is int
        if expected in (bool, int, float, str, tuple) and not fits:
            raise ValueError(f"architecture.{name}: expected {expected.__name__}, as its default "
                             f"{usual[name]}, got {value!r}")
        if name == "scale":
            checks.power_of_two("architecture.scale", value)
        if name == "channels" and value != 3 and config.network != "ffdnet":
            raise ValueError(f"architecture.channels: expected 3, the images', got {value}")
        if name in _LEAST and value < _LEAST[name]:
            raise ValueError(
                f"architecture.{name}: expected {_LEAST[name]} or more, got {value}"
            )
    return kind(**config.architecture, dtype=jnp.dtype(config.dtype))


_LEAST = {"depth": 2, "width": 1, "blocks": 1, "middle": 0}
"""Of the networks' fields."""


def batch_psnr(restored: Float[Array, "b h w c"], clean: Float[Array, "b h w c"]) -> jax.Array:
    """PSNR in dB of the batch as a whole, without clipping or rounding: a training signal only."""
    return -10 * jnp.log10(jnp.maximum(jnp.mean(jnp.square(restored - clean)), 1e-12))

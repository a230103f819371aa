"""The table of published checkpoints: the networks a system's files hold, and where ours keep them.

A further network is a row of `SYSTEMS`; importing, exporting and their commands work from it alone.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from senm_jax.interop import (
    dncnn, drunet, ffdnet, lud_vae, naflow, nafnet, networks, rrdbnet, senm_vae, tensor_files,
    torch_layout, vdir, vgg_discriminator,
)
from senm_jax.training import settings as settings_

PREFIXES = ("module.", "model.", "netG.", "generator.")
"""What all names of a file may begin with; taken off one by one until its mark is there."""


@dataclasses.dataclass(frozen=True)
class System:
    """A method and the networks whose files make a run of it."""

    method: str
    parts: dict[str, networks.Part]
    """By name; the first cannot be left out."""
    alone: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of `Config`, not as its defaults, where only the first part's file is given."""
    fixed: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of `Config` that tell the system from others of its method."""
    wrapper: str = ""
    """The dictionary that the published file keeps its entries in; "" for none."""
    prefix: str = ""
    """What the published file's names begin with, before ours."""

    @property
    def main(self) -> str:
        """The part that cannot be left out."""
        return next(iter(self.parts))


class File(NamedTuple):
    """A part's file: its entries by the network's own names, and what was taken off them."""

    path: str | os.PathLike
    state: dict[str, np.ndarray]
    names: tuple[str, ...]
    """The file's own names of the entries, in the same order."""
    wrapper: str
    prefix: str


def find(name: str) -> System:
    """The system of this name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name not in SYSTEMS:
        raise ValueError(f"--system: expected one of {', '.join(SYSTEMS)}, got {name!r}")
    return SYSTEMS[name]


def of_run(config: settings_.Settings) -> System:
    """The system that a run of these settings is one of.

    Raises:
        ValueError: nothing was published that its networks could be written as.
    """
    alike = [system for system in SYSTEMS.values() if system.method == config.method]
    for system in alike:
        if all(config.hyper[name] == value for name, value in system.fixed.items()):
            return system
    told = sorted({name for system in alike for name in system.fixed})
    fields = " and ".join(f"{name}={config.hyper[name]!r}" for name in told)
    raise ValueError(
        f"a run of {config.method}{fields and f' with {fields}'} has no published form; those of "
        f"{', '.join(SYSTEMS)} have one"
    )


def read(name: str, part: str, path: str | os.PathLike) -> File:
    """The file of a system's part, with the prefixes of its names taken off.

    Raises:
        ValueError: it cannot be read, or has not the part's mark.
    """
    row = SYSTEMS[name].parts[part]
    mark = row.mark
    given, wrapper = tensor_files.read(path)
    state, prefix = given, ""
    while not row.marks.intersection(map(row.name, state)):
        taken = next((p for p in PREFIXES if all(n.startswith(p) for n in state)), None)
        if taken is None:
            raise ValueError(
                f"{path}: expected the {part} of {name}, which has an entry {mark!r}"
                f"{torch_layout.nearest(mark, given, 'there')}; {_likeness(given)}"
            )
        prefix += taken
        state = {n.removeprefix(taken): value for n, value in state.items()}
    named = {row.name(n): value for n, value in state.items()}
    return File(path, named, tuple(state), wrapper, prefix)


def _likeness(state: Mapping) -> str:
    like = [f"{part} of {name}" for name, system in SYSTEMS.items()
            for part, row in system.parts.items() if row.mark in state]
    return f"it looks like a {' or '.join(like)}" if like else f"got {sorted(state)[:4]} ..."


_DISCRIMINATOR = networks.by_table(
    "discriminator", "", "model.0.weight", networks.width("discriminator_width", "model.0.weight"),
    senm_vae.discriminator,
)
_UNJUDGED = {"gan_weight": 0.0}


def _vdir_table(hyper: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The table of VDIR's variables by the fields of `Config`."""
    sizes = {"blocks": 5, "layers": 5, "scale": 1} | dict(hyper["architecture"])
    if sizes["scale"] != 1:
        raise ValueError(f"a super-resolver (x{sizes['scale']}) of VDIR has no published form")
    return vdir.network(sizes["blocks"], sizes["layers"])


def _judged(state: networks.State) -> dict[str, Any]:
    """What a file of ESRGAN's discriminator shows, as fields of `methods.esrgan.Config`."""
    found = vgg_discriminator.architecture(state)
    return {f"discriminator_{name}": value for name, value in found.items()}


def _judge_table(given: Mapping[str, Any]) -> dict[str, torch_layout.Entry]:
    return vgg_discriminator.network(given["discriminator_width"], given["discriminator_kair"])


SYSTEMS = {
    "senm-vae": System("senm_vae", {
        "generator": networks.by_table(
            "generator", "translator", "inconv_N.0.weight", senm_vae.architecture,
            senm_vae.generator, "width", "growth", "levels", "degradation_channels", "downs",
        ),
        "level-predictor": networks.by_table(
            "generator", "level_predictor", "dense.0.weight",
            networks.width("predictor_width", "net.0.weight"), senm_vae.level_predictor,
        ),
        "discriminator": _DISCRIMINATOR,
    }, alone=_UNJUDGED, fixed={"level_unit": 0.0}),
    "senm-vae-paired": System("senm_vae_paired", {
        "generator": networks.by_table(
            "generator", "", "proj_zh.0.weight", senm_vae.architecture_paired,
            senm_vae.generator_paired, "width", "growth", "levels",
        ),
        "discriminator": _DISCRIMINATOR,
    }, alone=_UNJUDGED),
    "lud-vae": System("lud_vae", {
        "generator": networks.by_table(
            "generator", "", "inconv_n.weight", lud_vae.architecture, lud_vae.network,
            "width", "layers",
        ),
    }),
    "naflow": System("naflow", {
        "flow": networks.Part(
            "flow", "", "cond_net.down1.weight", naflow.architecture, naflow.read,
            lambda tree, given: naflow.write(tree, tuple(given["configurations"])),
        ),
    }, wrapper="state_dict", prefix="model."),
    "dncnn": System("supervised", {
        "restorer": networks.Part(
            "restorer", "", "model.0.weight",
            lambda state: {"architecture": dncnn.architecture(state)}, dncnn.read,
            lambda tree, given: dncnn.write(tree),
        ),
    }, fixed={"network": "dncnn"}),
    "vdir": System("vdir", {
        "restorer": networks.Part(
            "generator", "network", "Denoise/conv1/conv2d/kernel", vdir.architecture,
            lambda state: {"params": vdir.read(state, _vdir_table(vdir.architecture(state))),
                           "statistics": {}},
            lambda tree, given: vdir.write(tree["params"], _vdir_table(given)),
        ),
    }, alone=_UNJUDGED, fixed={"restorer": "rir"}),
    "ffdnet": System("supervised", {
        "restorer": networks.restorer(
            "ffdnet", "model.0.weight", ffdnet.architecture, ffdnet.network, "depth",
        ),
    }, fixed={"network": "ffdnet"}),
    "drunet": System("supervised", {
        "restorer": networks.restorer(
            "drunet", "m_head.weight", drunet.architecture, drunet.network,
            "widths", "blocks", "bias",
        ),
    }, fixed={"network": "drunet"}),
    "nafnet": System("supervised", {
        "restorer": networks.restorer(
            "nafnet", "intro.weight", nafnet.architecture, nafnet.network,
            "encoder", "middle", "decoder",
        ),
    }, fixed={"network": "nafnet"}, wrapper="params"),
    "rrdbnet": System("supervised", {
        "restorer": networks.restorer(
            "rrdbnet", "conv_first.weight", rrdbnet.architecture, rrdbnet.network, "blocks",
            name=rrdbnet.first_names,
        ),
    }, fixed={"network": "rrdbnet"}),
    "esrgan": System("esrgan", {
        "generator": networks.by_table(
            "restorer", "", "conv_first.weight", rrdbnet.architecture, rrdbnet.network, "blocks",
        )._replace(name=rrdbnet.first_names),
        "discriminator": networks.Part(
            "discriminator", "", vgg_discriminator.FIRST, _judged,
            read=lambda state: torch_layout.read(state, _judge_table(_judged(state))),
            write=lambda tree, given: torch_layout.write(tree, _judge_table(given)),
            also=vgg_discriminator.FIRST_KAIR,
        ),
    }, alone=_UNJUDGED),
}

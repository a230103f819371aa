"""One network of a published system: what its file is known by, read as and written as."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from senm_jax.interop import torch_layout
from senm_jax.methods import supervised

State = Mapping[str, np.ndarray]
"""A state dict: a file's entries by their names."""


class Part(NamedTuple):
    """One network of a system, which has a file of its own."""

    player: str
    module: str
    """Which of the player's modules it is; "" where the player is the network."""
    mark: str
    """An entry that every such file has, by which other systems' files are known as such."""
    hyper: Callable[[State], dict[str, Any]]
    """The fields of the method's `Config` that a state dict shows."""
    read: Callable[[State], dict[str, Any]]
    """``{"params", "statistics"}`` of a state dict."""
    write: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, np.ndarray]]
    """The state dict, of ``{"params", "statistics"}`` and the fields of `Config`."""
    also: str = ""
    """The mark of the other form that was published; "" for none."""
    name: Callable[[str], str] = str
    """Our name of an entry that other releases call otherwise."""

    @property
    def marks(self) -> set[str]:
        """Entries of which every such file has one."""
        return {self.mark, self.also or self.mark}

    def get(self, variables: Mapping) -> dict[str, Any]:
        """The part's ``{"params", "statistics"}`` among every player's variables."""
        own = variables[self.player]
        if not self.module:
            return {"params": own["params"], "statistics": own["statistics"]}
        return {"params": own["params"][self.module], "statistics": {}}

    def put(self, variables: Mapping, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The variables with the part's replaced."""
        own = dict(variables.get(self.player, {"params": {}, "statistics": {}}))
        if self.module:
            own["params"] = {**own["params"], self.module: tree["params"]}
        else:
            own = dict(tree)
        return {**variables, self.player: own}


def by_table(
    player: str, module: str, mark: str, hyper: Callable, table: Callable, *fields: str
) -> Part:
    """A part that `torch_layout` reads and writes; ``fields`` are what its table depends on."""

    def tabled(given):
        return table(**{name: given[name] for name in fields})

    return Part(
        player, module, mark, hyper,
        read=lambda state: torch_layout.read(state, tabled(hyper(state))),
        write=lambda tree, given: torch_layout.write(tree, tabled(given)),
    )


def restorer(
    network: str, mark: str, architecture: Callable, table: Callable, *fields: str,
    name: Callable[[str], str] = str,
) -> Part:
    """A network of `methods.supervised.NETWORKS`, whose table depends on ``fields`` of it."""
    kind = supervised.NETWORKS[network]

    def tabled(given):
        built = kind(**given)
        return table(**{field: getattr(built, field) for field in fields})

    return Part(
        "restorer", "", mark, lambda state: {"architecture": architecture(state)},
        read=lambda state: torch_layout.read(state, tabled(architecture(state))),
        write=lambda tree, given: torch_layout.write(tree, tabled(given["architecture"])),
        name=name,
    )


def width(field: str, mark: str) -> Callable[[State], dict[str, Any]]:
    """A network's first width, as the field of `Config` that has it."""
    return lambda state: {field: state[mark].shape[0]}

"""Where arrays lie: one mesh with the axes data and model, batches split over data."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from senm_jax.training import settings as settings_


def make(config: settings_.Mesh, rows: Mapping[str, int]) -> jax.sharding.Mesh:
    """The mesh for batches of so many rows a domain.

    ``data=-1`` takes the largest number of devices that divides every domain's rows and, with
    several processes, all devices. Leftover devices stay idle.

    Raises:
        ValueError: there are too few devices, or with several processes devices are left over, or
            the rows cannot be split evenly.
    """
    devices = jax.devices()
    most = len(devices) // config.model
    data = most if config.data == -1 else config.data
    if config.data == -1 and jax.process_count() == 1:
        data = most_dividing(most, rows)
    if not 1 <= data * config.model <= len(devices):
        raise ValueError(
            f"config.mesh: expected data x model within {len(devices)} devices, "
            f"got {config.data} x {config.model}"
        )
    if jax.process_count() > 1 and data * config.model != len(devices):
        raise ValueError(
            f"config.mesh: with several processes expected data x model to be all {len(devices)} "
            f"devices, got {config.data} x {config.model}"
        )
    for domain, count in rows.items():
        if count % data:
            raise ValueError(
                f"config.data.rows.{domain}: expected a multiple of the {data} devices that the "
                f"batch is split over, got {count}; change it or config.mesh.data"
            )
    return jax.make_mesh(
        (data, config.model), ("data", "model"), axis_types=(AxisType.Auto,) * 2,
        devices=devices[: data * config.model],
    )


def most_dividing(devices: int, rows: Mapping[str, int]) -> int:
    """The largest number up to ``devices`` that divides every domain's rows; 0 of 0 devices."""
    return max((n for n in range(1, devices + 1) if all(c % n == 0 for c in rows.values())),
               default=0)


def replicated(mesh: jax.sharding.Mesh) -> NamedSharding:
    """The sharding of what every device holds whole."""
    return NamedSharding(mesh, PartitionSpec())


def rows(mesh: jax.sharding.Mesh) -> NamedSharding:
    """The sharding of arrays whose first axis is a batch's rows."""
    return NamedSharding(mesh, PartitionSpec("data"))


def place(
    mesh: jax.sharding.Mesh | jax.sharding.AbstractMesh, rules: Sequence[tuple], tree: Any
) -> Any:
    """The tree's shardings: of the first (regex, axes) rule found in a leaf's path, or replicated.

    ``axes`` names a mesh axis or None for each of the array's axes. The optimiser's moments have
    their parameter's path as the end of theirs, so one rule places both.

    Raises:
        ValueError: a rule's axes do not fit a leaf that it matches.
    """
    def sharding(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        axes = next((axes for pattern, axes in rules if re.search(pattern, name)), ())
        shape = np.shape(leaf)
        fits = len(axes) <= len(shape) and all(
            axis is None or (axis in mesh.shape and size % mesh.shape[axis] == 0)
            for axis, size in zip(axes, shape)
        )
        if not fits:
            raise ValueError(f"config.sharding: {axes} does not fit {name} of shape {shape} on "
                             f"the mesh {dict(mesh.shape)}")
        return NamedSharding(mesh, PartitionSpec(*axes))

    return jax.tree_util.tree_map_with_path(sharding, tree)


def put(mesh: jax.sharding.Mesh, batch: Mapping) -> Any:
    """This process's rows of a batch as arrays of the whole batch, split over the axis data."""
    over, processes = rows(mesh), jax.process_count()
    return jax.tree.map(
        lambda part: jax.make_array_from_process_local_data(
            over, part, (part.shape[0] * processes, *part.shape[1:])
        ), batch,
    )

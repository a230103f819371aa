import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

from senm_jax.training import mesh, settings


@pytest.mark.parametrize("devices, rows, count", [
    (2, {"paired": 4, "source": 2}, 2), (2, {"paired": 3, "source": 3, "target": 3}, 1),
    (8, {"paired": 12, "source": 0, "target": 8}, 4), (6, {"paired": 12}, 6), (4, {}, 4),
])
def test_a_batch_is_split_over_the_most_devices_that_divide_it(devices, rows, count):
    assert mesh.most_dividing(devices, rows) == count


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"config.mesh: expected data x model within \d+ devices"):
        mesh.make(settings.Mesh(data=999, model=1), {"paired": 999})


def test_several_processes_leave_no_device_out(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "devices", lambda: [None] * 8)
    for shape in ((4, 1), (-1, 3)):
        with pytest.raises(ValueError, match="config.mesh: .* data x model to be all 8 devices"):
            mesh.make(settings.Mesh(*shape), {"paired": 16})


def test_arrays_lie_as_the_first_rule_that_matches_says():
    tree = {"up": {"kernel": np.zeros((3, 8)), "bias": np.zeros(8)}, "out": np.zeros((4, 4))}
    over = AbstractMesh((2, 4), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    rules = (("up/kernel$", (None, "model")), ("up/", ()), ("out", ("model",)))
    placed = jax.tree.map(lambda s: s.spec, mesh.place(over, rules, tree))
    assert placed == {"up": {"kernel": PartitionSpec(None, "model"), "bias": PartitionSpec()},
                      "out": PartitionSpec("model")}


@pytest.mark.parametrize("axes", [(None, None, "model"), ("model",), ("rows",)])
def test_a_rule_that_does_not_fit_an_array_names_it(axes):
    over = AbstractMesh((2, 4), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    with pytest.raises(ValueError, match=r"does not fit up/kernel of shape \(3, 8\)"):
        mesh.place(over, (("kernel", axes),), {"up": {"kernel": np.zeros((3, 8))}})

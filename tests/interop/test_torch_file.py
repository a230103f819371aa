"""PyTorch's files without PyTorch: what they hold comes back, and nothing in them is run."""

import collections
import io
import pickle
import struct
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest

from senm_jax.interop import restricted_pickle, safetensors, torch_file

TYPES = [*restricted_pickle.TYPES.values()]


def _state():
    rng = np.random.default_rng(0)
    state = {f"a.{dtype}": rng.integers(0, 2, (2, 3)).astype(dtype) for dtype in TYPES}
    return state | {
        "b.weight": rng.standard_normal((4, 3, 2, 1)).astype(np.float32),
        "count": np.array(7, np.int64), "empty": np.zeros((0, 3), np.float32),
    }


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape), name
        assert found[name].tobytes() == value.tobytes(), name


def _zip(program, *storages):
    """A zip file of a hand-made pickle and the bytes of its storages."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x/data.pkl", program)
        for i, data in enumerate(storages):
            archive.writestr(f"x/data/{i}", data)
    return content.getvalue()


def _tensor(shape, strides, offset, count, kind="FloatStorage"):
    """The pickle of {"w": a tensor}."""
    words = [torch_file._text("w"), b"ctorch._utils\n_rebuild_tensor_v2\n", pickle.MARK,
             torch_file._tuple([torch_file._text("storage"), f"ctorch\n{kind}\n".encode(),
                                torch_file._text("0"), torch_file._text("cpu"),
                                torch_file._whole(count)]), pickle.BINPERSID]
    words += [torch_file._whole(offset),
              torch_file._tuple([torch_file._whole(n) for n in shape]),
              torch_file._tuple([torch_file._whole(n) for n in strides]),
              pickle.NEWFALSE, pickle.EMPTY_DICT, pickle.TUPLE, pickle.REDUCE]
    return pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + b"".join(words) + pickle.SETITEM + b"."


@pytest.mark.parametrize("wrapper", ["", "state_dict"])
def test_what_is_written_is_read_again(wrapper):
    state = _state()
    data = torch_file.write(state, wrapper)
    assert data == torch_file.write(state, wrapper) and torch_file.is_zip_of_torch(data)
    found = torch_file.read(data)
    assert_same(found[wrapper] if wrapper else found, state)


def test_offsets_and_strides_are_honoured():
    flat = np.arange(12, dtype=np.float32)
    program = _tensor((3, 2), (1, 4), 2, 12)
    found = torch_file.read(_zip(program, flat.tobytes()))["w"]
    np.testing.assert_array_equal(found, [[2, 6], [3, 7], [4, 8]])
    assert found.flags.c_contiguous and found.flags.owndata


@pytest.mark.parametrize("shape, strides, offset", [
    ((4, 4), (4, 1), 0), ((2, 2), (20, 1), 0), ((12,), (1,), 1), ((2**40,), (0,), 0),
    ((-1, -1), (1, 1), 0), ((2,), (-1,), 3), ((2,), (1, 1), 0),
])
def test_a_tensor_that_leaves_its_storage_is_refused(shape, strides, offset):
    with pytest.raises(ValueError, match="a tensor"):
        torch_file.read(_zip(_tensor(shape, strides, offset, 12), bytes(48)))


class Hostile:
    """Pickles as a call."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_that_a_file_names_is_run(protocol, tmp_path):
    mark = tmp_path / "ran"
    program = pickle.dumps({"w": Hostile(open, str(mark), "w")}, protocol)
    with pytest.raises(ValueError, match=r"names \w+\.open, which no dictionary of tensors needs"):
        torch_file.read(_zip(program))
    with pytest.raises(ValueError, match=r"names \w+\.open"):
        torch_file.read(program)
    assert not mark.exists()


def test_what_is_named_is_not_reached_by_other_ways():
    get = pickle.dumps(Hostile(getattr, [], "append"), 2)
    with pytest.raises(ValueError, match="getattr"):
        torch_file.read(_zip(get))
    with pytest.raises(ValueError, match="numpy"):
        torch_file.read(_zip(pickle.dumps(np.zeros(3), 2)))
    memo = b"\x80\x02}r\xff\xff\xff\x7f."
    with pytest.raises(ValueError, match="memo of 2147483647"):
        torch_file.read(_zip(memo))
    with pytest.raises(ValueError, match="damaged"):
        torch_file.read(_zip(_tensor((2**70, 0), (1, 1), 0, 12), bytes(48)))
    with pytest.raises(ValueError, match="damaged"):
        torch_file.read(b"".join(pickle.dumps(each, 2) for each in (torch_file.MAGIC, 1, 2, 3, 4)))
    stored = b"\x80\x02(X\x05\x00\x00\x00othertQ."
    with pytest.raises(ValueError, match="expected the name of a storage"):
        torch_file.read(_zip(stored))


def test_attributes_of_a_dictionary_are_read_over():
    entries = collections.OrderedDict(a=1)
    entries._metadata = {"items": 2}
    found = torch_file.read(_zip(pickle.dumps(entries, 2)))
    assert found == {"a": 1} and not hasattr(found, "_metadata")


def test_a_dictionary_that_is_there_many_times_is_walked_once():
    tree = {}
    for _ in range(60):
        tree = {"a": tree, "b": tree}
    assert set(torch_file.read(_zip(pickle.dumps(tree, 2)))) == {"a", "b"}


def _legacy(state):
    """As PyTorch before 1.6 wrote it."""
    kinds = {dtype: name for name, dtype in restricted_pickle.TYPES.items()}
    program = torch_file._pickled(state, kinds, "")
    parts = [pickle.dumps(each, 2) for each in (
        torch_file.MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    )]
    keys = [str(i) for i in range(len(state))]
    parts += [program, pickle.dumps(keys, 2)]
    parts += [struct.pack("<q", value.size) + value.tobytes() for value in state.values()]
    return b"".join(parts)


def test_the_older_format_is_read():
    assert_same(torch_file.read(_legacy(_state())), _state())


@pytest.mark.parametrize("make", [torch_file.write, _legacy])
def test_a_file_that_was_cut_short_is_refused(make):
    data = make(_state())
    for length in (0, 1, 40, len(data) // 2, len(data) - 9):
        with pytest.raises(ValueError, match="damaged"):
            torch_file.read(data[:length])


def test_another_pickle_and_a_packed_archive_are_refused():
    with pytest.raises(ValueError, match="got another pickle"):
        torch_file.read(pickle.dumps({"a": 1}))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps({}, 2))
    with pytest.raises(ValueError, match="x/data.pkl is packed"):
        torch_file.read(content.getvalue())
    with pytest.raises(ValueError, match="w: expected a type that PyTorch stores, got complex64"):
        torch_file.write({"w": np.zeros(2, np.complex64)})


def test_pytorch_reads_what_is_written_and_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    state = _state()
    for wrapper in ("", "params"):
        (tmp_path / "ours.pth").write_bytes(torch_file.write(state, wrapper))
        found = torch.load(tmp_path / "ours.pth", weights_only=True)
        found = found[wrapper] if wrapper else found
        assert isinstance(found, collections.OrderedDict) and list(found) == list(state)
        for name, value in state.items():
            same = found[name].view(torch.uint8) if value.ndim else found[name]
            given = value.view(np.uint8) if value.ndim else value
            np.testing.assert_array_equal(same.numpy(), given)
    tensors = {name: torch.tensor(value.astype(np.float32)) for name, value in state.items()}
    tensors["across"] = torch.arange(12.0).reshape(3, 4).T[1:]
    tensors["shared"] = torch.nn.Parameter(tensors["across"])
    expected = {name: value.detach().numpy() for name, value in tensors.items()}
    for new in (True, False):
        torch.save({"model": tensors, "epoch": 3}, tmp_path / "theirs.pth",
                   _use_new_zipfile_serialization=new)
        found = torch_file.read((tmp_path / "theirs.pth").read_bytes())
        assert found["epoch"] == 3
        assert_same(found["model"], expected)
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    torch.save(network.state_dict(), tmp_path / "network.pth")
    found = torch_file.read((tmp_path / "network.pth").read_bytes())
    assert_same(found, {name: value.numpy() for name, value in network.state_dict().items()})


def test_safetensors_come_back_with_the_text_beside_them():
    state = _state()
    data = safetensors.write(state, {"by": "hand"})
    found, about = safetensors.read(data)
    assert_same(found, state)
    assert about == {"by": "hand"} and safetensors.read(safetensors.write(state))[1] == {}
    for length in (0, 7, 20, len(data) - 1):
        with pytest.raises(ValueError, match="damaged"):
            safetensors.read(data[:length])
    with pytest.raises(ValueError, match="w: expected one of"):
        safetensors.write({"w": np.zeros(2, np.complex64)})
    entry = b'{"w":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}}'
    with pytest.raises(ValueError, match="w: bytes 0 to 16 of 16 do not hold F32"):
        safetensors.read(struct.pack("<Q", len(entry)) + entry + bytes(16))


def test_bfloat16_is_kept():
    state = {"w": np.arange(5).astype(jnp.bfloat16)}
    assert_same(torch_file.read(torch_file.write(state)), state)
    assert_same(safetensors.read(safetensors.write(state))[0], state)

import pickle  # noqa: TID251 -- to make files that must be refused

import numpy as np
import pytest
import torch

from cotlens._core.errors import InputError
from cotlens.measure.steering import (
    Vector,
    load_vector,
    read_gguf,
    read_tensors,
    write_gguf,
    write_tensors,
)
from cotlens.results import Provenance


@pytest.fixture
def vector():
    values = np.random.default_rng(0).normal(size=7).astype(np.float32)
    made = Provenance.record(method="difference", settings={"read": "mean", "code": "x"}, model="tiny", revision="r")
    return Vector("check the work", 2, values, 3.5, made)


def test_a_saved_vector_comes_back_as_it_was(vector, tmp_path):
    path = tmp_path / "v.safetensors"
    vector.save(path)
    back = load_vector(path)
    np.testing.assert_array_equal(back.values, vector.values)
    assert (back.name, back.layer, back.unit, back.status) == (vector.name, 2, 3.5, "ok")
    assert back.provenance.model == "tiny" and back.provenance.method == "difference"
    assert back.provenance.settings["read"] == "mean"
    assert back.code() == f"cl.steering.load_vector({str(path)!r})"


def test_an_unmeasured_unit_is_saved_as_unmeasured(vector, tmp_path):
    vector.on(1).save(tmp_path / "v.safetensors")
    back = load_vector(tmp_path / "v.safetensors")
    assert np.isnan(back.unit) and back.status.startswith("not measured")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["v.pt", "v.safetensors", "v.gguf"])
@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_pickled_files_are_refused_and_never_run(tmp_path, name, how):
    path, sprung = tmp_path / name, tmp_path / "sprung"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Trap(sprung), protocol=2))
    else:
        torch.save(Trap(sprung), path)
    for read in (load_vector, read_gguf):
        with pytest.raises(InputError, match="pickled file"):
            read(path)
    with pytest.raises(InputError, match="more than tensors"):
        read_tensors(path)
    assert not sprung.exists()


@pytest.mark.parametrize("read", [load_vector, read_gguf, read_tensors])
def test_files_that_are_missing_or_something_else_are_refused(read, tmp_path):
    with pytest.raises(InputError, match="No vector"):
        read(tmp_path / "missing")
    other = tmp_path / "other"
    other.write_bytes(b"GGUF and not much more")
    with pytest.raises(InputError):
        read(other)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.ones(3, np.float32)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="no vector saved by CoTLens"):
        load_vector(tmp_path / "x.safetensors")


def test_nothing_is_left_where_a_vector_cannot_be_written(vector, tmp_path):
    with pytest.raises(InputError, match="Nothing can be saved"):
        vector.save(tmp_path / "missing" / "v.safetensors")


def test_gguf_and_tensors_keep_values_and_layers(vector, tmp_path):
    pair = (vector, Vector("other", 0, vector.values[::-1]))
    for write, read in ((write_gguf, read_gguf), (write_tensors, read_tensors)):
        back = read(write(pair, tmp_path / f"{write.__name__}.any"))
        assert [one.layer for one in back] == [0, 2]
        np.testing.assert_array_equal(back[1].values, vector.values)
        assert np.isnan(back[0].unit) and back[1].code().endswith("[1]")
        with pytest.raises(InputError, match="no layer twice"):
            write((vector, vector), tmp_path / "twice")


@pytest.mark.parametrize("cut", [3, 20, 60, 100, 190])
def test_a_cut_gguf_file_is_refused(vector, tmp_path, cut):
    path = write_gguf(vector, tmp_path / "v.gguf")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match="damaged"):
        read_gguf(path)


def test_a_gguf_file_that_claims_too_much_is_refused(vector, tmp_path):
    path = write_gguf(vector, tmp_path / "v.gguf")
    body = bytearray(path.read_bytes())
    body[8:16] = (2**62).to_bytes(8, "little")  # that many tensors
    path.write_bytes(bytes(body))
    with pytest.raises(InputError, match="damaged"):
        read_gguf(path)


def test_tensors_of_another_shape_of_file_are_refused(tmp_path):
    for i, content in enumerate(([torch.ones(2)], {"a": torch.ones(2)}, {1: 2.0})):
        torch.save(content, tmp_path / f"{i}.pt")
        with pytest.raises(InputError, match="dict layer -> tensor"):
            read_tensors(tmp_path / f"{i}.pt")

"""Crafted files: each is refused in one sentence, at once, and without taking the memory that it asks for."""

import gzip
import json
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import cotlens as cl
from cotlens._core import files
from cotlens._core.data import DEEPEST, loads
from cotlens._core.errors import InputError
from cotlens.measure.features import names
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.names import read_labels
from cotlens.widgets.pair_matrix import payload
from tests.unit.widgets.results import pairs

DEEP = "[" * 900 + "]" * 900
DIGITS = "7" * 5000
MEBIBYTE = 1 << 20


@pytest.fixture
def frugal():
    """Whatever runs takes 64 MiB at most (of what Python and numpy allocate)."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * MEBIBYTE, f"{peak / MEBIBYTE:.0f} MiB were taken"


@pytest.mark.parametrize("text", [DEEP, DIGITS, "1e999", "-1e400", "[1, ", "\x00", '{"a": ' * 70 + "1" + "}" * 70])
def test_json_that_nothing_here_could_bear(text):
    with pytest.raises(ValueError, match=r"^it "):
        loads(text)


def test_json_that_is_well():
    deep: list = []
    for _ in range(DEEPEST - 1):
        deep = [deep]
    assert loads(json.dumps(deep)) == deep
    odd = '["\\ud800", {"\\udc00k": 1.5}, 12345678901234567890, NaN]'
    assert loads(odd)[:3] == ["\ufffd", {"\ufffdk": 1.5}, 12345678901234567890]


LABELS = [DEEP, DIGITS, '{"index": 1e999, "description": "x"}', f'{{"index": {DIGITS[:400]}}}', "[[]]", '"\\ud800"']


@pytest.mark.parametrize("body", LABELS)
@pytest.mark.parametrize("packed", [False, True])
def test_labels(tmp_path, body, packed, frugal):
    path = tmp_path / ("labels.json.gz" if packed else "labels.json")
    path.write_bytes(gzip.compress(body.encode()) if packed else body.encode())
    with pytest.raises(InputError):
        read_labels(path)


def test_labels_that_unpack_to_gigabytes(tmp_path, monkeypatch, frugal):
    monkeypatch.setattr(names, "_MOST", MEBIBYTE)
    path = tmp_path / "labels.json.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(256):
            file.write(b" " * MEBIBYTE)
    with pytest.raises(InputError, match="more than 1 MiB"):
        read_labels(path)


METADATA = [
    "not json",
    DEEP,
    '"text"',
    "[]",
    f'{{"layer": {DIGITS}}}',
    "{}",
    '{"provenance": 3}',
    '{"format": "cotlens-vector/1"}',
]


@pytest.mark.parametrize("metadata", METADATA)
def test_vectors(tmp_path, metadata, frugal):
    path = tmp_path / "v.safetensors"
    save_file({"layer.1": np.ones(4, np.float32)}, path, metadata={"cotlens": metadata})
    with pytest.raises(InputError):
        cl.steering.load_vector(path)


def gguf(alignment, tensor):
    """A control vector whose alignment or whose tensor's name is odd."""

    def text(words):
        return struct.pack("<Q", len(words.encode())) + words.encode()

    fields = {"general.architecture": struct.pack("<I", 8) + text("controlvector"), "general.alignment": alignment}
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(fields))
    head += b"".join(text(name) + value for name, value in fields.items())
    return head + text(tensor) + struct.pack("<IQIQ", 1, 4, 0, 0) + b"\1" * 256


@pytest.mark.parametrize(
    ("alignment", "tensor"),
    [
        (struct.pack("<II", 4, 0), "direction.1"),
        (struct.pack("<IIQI", 9, 4, 1, 32), "direction.1"),
        (struct.pack("<If", 6, float("inf")), "direction.1"),
        (struct.pack("<If", 6, float("nan")), "direction.1"),
        (struct.pack("<IQ", 10, 1 << 63), "direction.1"),
        (struct.pack("<II", 4, 32), f"direction.{DIGITS}"),
        (struct.pack("<II", 4, 32), "direction.\u0663"),
        (struct.pack("<II", 4, 32), "direction."),
    ],
)
def test_gguf(tmp_path, alignment, tensor, frugal):
    path = tmp_path / "v.gguf"
    path.write_bytes(gguf(alignment, tensor))
    with pytest.raises(InputError) as caught:
        cl.steering.read_gguf(path)
    assert len(str(caught.value)) < 400
    path.write_bytes(gguf(struct.pack("<II", 4, 32), "direction.1"))
    assert cl.steering.read_gguf(path)[0].layer == 1


def test_a_tensor_that_claims_more_than_it_holds(tmp_path):
    path = tmp_path / "v.pt"
    torch.save({3: torch.zeros(1).expand(1 << 31)}, path)
    with pytest.raises(InputError, match="holds fewer"):
        cl.steering.read_tensors(path)


@pytest.mark.parametrize("size", ["four", float("nan"), float("inf"), -3, 0, None, [4], 10**30])
@pytest.mark.parametrize("name", ["d_in", "d_sae", "k"])
def test_configurations_of_autoencoders(size, name):
    raw = {"architecture": "topk", "d_in": 4, "d_sae": 8, "k": 2, "hook_name": "blocks.1.hook_resid_post"}
    metadata = {"metadata": {"hook_name": "blocks.1.hook_resid_post"}}
    with pytest.raises(InputError):
        Config.read({**raw, **metadata, name: size})
    assert Config.read({**raw, **metadata}).k == 2


@pytest.mark.parametrize("value", ["7" * 400, "1e999", DEEP])
def test_rollouts(tmp_path, value, frugal):
    (tmp_path / "chunks_labeled.json").write_text(f'[{{"chunk": "One.", "chunk_idx": 0, "accuracy": {value}}}]')
    with pytest.raises(InputError, match="damaged"):
        cl.read_rollouts(tmp_path)


def test_a_matrix_of_sixty_thousand_sentences(frugal):
    with pytest.raises(InputError, match="names sentence 60000"):
        payload(pairs({(0, 1): 0.5, (60_000, 2): 0.1}))


@pytest.mark.parametrize("read", [cl.Trace.load, cl.load_result])
@pytest.mark.parametrize("body", [DEEP, DIGITS, "{}", "[]", '{"format": 3}', "\ud800"])
def test_traces_and_results(tmp_path, read, body, frugal):
    path = tmp_path / "x.json"
    path.write_bytes(body.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError):
        read(path)


def saved(tmp_path, thing) -> dict:
    """What a file holds, without the checksum, which would be the first to notice what is changed."""
    thing.save(tmp_path / "x.json")
    data = json.loads((tmp_path / "x.json").read_text("utf-8"))
    del data["checksum"]
    return data


def refused(tmp_path, read, data) -> None:
    (tmp_path / "x.json").write_text(json.dumps(data), "utf-8")
    with pytest.raises(InputError) as error:
        read(tmp_path / "x.json")
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    "value", [10**400, 1 << 63, -(10**30), [1], {"a": 1}, None, "x" * 9999], ids=lambda v: str(v)[:5]
)
@pytest.mark.parametrize("column", ["start", "n", "estimate"])
def test_a_column_of_a_result_that_holds_something_else(tmp_path, column, value, frugal):
    data = saved(tmp_path, pairs({(0, 1): 0.5, (1, 2): 0.1}))
    if column == "estimate" and value in (1 << 63, -(10**30)):
        value = "no number"  # those are estimates
    data["columns"][column] = [value, 1]
    refused(tmp_path, cl.load_result, data)


@pytest.mark.parametrize("value", [10**400, -1, 1.5, [3], {"a": 1}, None, True, "3"], ids=lambda value: str(value)[:5])
@pytest.mark.parametrize("name", ["start", "end", "start_token", "end_token", "old_tokens", "old", "new"])
def test_an_edit_of_a_trace_that_can_not_be(tmp_path, name, value, frugal):
    trace = cl.Trace.from_text("Q?", "There are 12. So 3.", "3").truncate(4)
    data = saved(tmp_path, trace)
    data["traces"][-1]["edit"][name] = 3 if (value == "3" and name in ("old", "new")) else value
    refused(tmp_path, cl.Trace.load, data)


def test_a_format_of_thousands_of_characters(tmp_path):
    data = saved(tmp_path, pairs({(0, 1): 0.5}))
    refused(tmp_path, cl.load_result, {**data, "format": "x" * 10_000})
    refused(tmp_path, cl.load_result, {**data, "format": "cotlens-result/" + "9" * 10_000})


@pytest.mark.parametrize("shape", [[1 << 40], [-1], [-1, 3], [3, 1 << 40]])
def test_an_array_that_claims_more_than_it_holds(shape):
    with pytest.raises(ValueError, match=r"shape"):
        files.unpack_array({**files.pack_array(np.zeros(3)), "shape": shape})

"""Nothing that a server sends is executed: messages and results are read as plain data."""

from pathlib import Path

import pytest
import torch
import zstandard
from nnsight.schema.response import ResponseModel, Status

from cotlens._core.errors import BackendError
from cotlens.models.ndif import job_messages, results
from cotlens.models.ndif.faults import TransientError


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def compressed(found):
    import io

    buffer = io.BytesIO()
    torch.save(found, buffer)
    return zstandard.ZstdCompressor().compress(buffer.getvalue())


def test_a_message_that_carries_its_result():
    meta = {"runtime": 1.5, "max_mem_by_gpu": {"0": 12, "1": 2**40}, "more": [True, None, -3]}
    data = bytes(range(256)) * 300
    message = ResponseModel(id="x", status=Status.COMPLETED, description="done", data=data, meta=meta).pickle()
    assert job_messages.read(message) == job_messages.JobMessage("x", "COMPLETED", "done", data, meta)


def test_a_message_in_text():
    message = ResponseModel(id="x", status=Status.QUEUED, description="Position 2.").model_dump_json()
    assert job_messages.read(message) == job_messages.JobMessage("x", "QUEUED", "Position 2.")


@pytest.mark.parametrize("message", [b"", "", b"PK\x03\x04 and no more", "{}", "[1]", '{"id": "x"}', b"\xff\xfe"])
def test_damaged_messages(message):
    with pytest.raises(TransientError, match="damaged"):
        job_messages.read(message)


def test_a_trap_in_a_message_is_not_sprung(tmp_path):
    trap = tmp_path / "sprung"
    message = ResponseModel(id="x", status=Status.COMPLETED, data=Trap(trap)).pickle()
    with pytest.raises(TransientError, match="damaged"):
        job_messages.read(message)
    assert not trap.exists()


def test_a_trap_in_a_result_is_not_sprung(tmp_path):
    trap = tmp_path / "sprung"
    with pytest.raises(BackendError, match="more than plain numbers"):
        results.read(compressed({"found": [Trap(trap)]}))
    assert not trap.exists()


def test_results():
    found = {"ends": [torch.ones(2, 3), torch.tensor(4)], "name": "torch.float32", "none": None}
    back = results.read(compressed(found))
    assert torch.equal(back["ends"][0], torch.ones(2, 3))
    assert back["name"] == "torch.float32"
    for damaged in (b"", compressed(found)[:40], zstandard.ZstdCompressor().compress(b"no result")):
        with pytest.raises(TransientError, match="damaged"):
            results.read(damaged)

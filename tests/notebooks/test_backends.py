"""`backends.ipynb` on all backends at once: Abacus in the kernel, on a loopback NDIF, behind a loopback endpoint."""

import json

import nbformat
import pytest

from cotlens import organisms
from tests.notebooks.running import ROOT, smaller
from tests.remote.dialect_server import Dialect, serving
from tests.remote.loopback import KEY, served

SETTINGS = """
from cotlens.trace import Number
ndif = {{"name": "tiny/abacus", "host": {host!r}, "files": {files!r}, "reader": Number()}}
endpoint = {{"name": "abacus", "endpoint": {url!r}}}
"""
CHECK = """
import json
import numpy as np

(trace, early, again), *others = found.values()
apart = [float(np.abs(other.columns["estimate"] - early.columns["estimate"]).max()) for _, other, _ in others]
print(json.dumps({
    "backends": list(found),
    "same text": all(one.token_ids == trace.token_ids for one, *_ in found.values()),
    "apart": max(apart),
    "resampled": [again.columns["estimate"].tolist() for *_, again in found.values()],
    "mixed": both.backend,
    "error": editor.error,
}))
"""


@pytest.fixture
def notebook():
    """The notebook with its parameters set to three backends, and a last cell that reports what came out."""
    loopback = served()
    loopback.set(faults=[], wants=None, sockets=True, pause=0.0)
    found = smaller(ROOT / "notebooks" / "backends.ipynb")
    at = next(i for i, cell in enumerate(found.cells) if "parameters" in cell.metadata.get("tags", ()))
    with serving(Dialect(organisms.load_pair("abacus"), name="abacus", context=4096)) as url:
        settings = SETTINGS.format(host=loopback.host, files=str(loopback.folders["abacus"]), url=url)
        found.cells.insert(at + 1, nbformat.v4.new_code_cell(settings))
        found.cells.append(nbformat.v4.new_code_cell(CHECK))
        yield found


def test_one_investigation_runs_unchanged_on_three_backends(notebook, kernel):
    kernel.run(notebook)
    report = json.loads(notebook.cells[-1].outputs[0]["text"])
    assert report["backends"] == ["local", "ndif", "endpoint"]
    assert report["same text"]
    assert report["apart"] < 1e-3
    local, ndif, _ = report["resampled"]
    assert ndif == local, "the same random numbers, token by token"
    assert report["mixed"] == "vllm + local"
    assert report["error"] == ""
    text = nbformat.writes(notebook)
    assert KEY not in text

"""llama.cpp's server in a process of its own: the binary `llama-server`, or the same server out of `xllamacpp`.

The variable LLAMA_SERVER names the binary where it isn't on PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

BINARY = os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")
MISSING = (
    "there is no llama.cpp server here: put `llama-server` on PATH or its path into LLAMA_SERVER, or "
    "`pip install xllamacpp`"
)
SLOTS = 4
_MAIN = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.n_ctx, params.n_parallel = sys.argv[1], *map(int, sys.argv[2:5])
params.model_alias, params.cpuparams.n_threads = {sys.argv[5]}, 1
params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
server = xllamacpp.Server(params)
while True:
    time.sleep(1)
"""


def installed():
    """Whether there is one."""
    return BINARY is not None or find_spec("xllamacpp") is not None


@contextmanager
def serving(weights, folder, *, name="abacus", context=1024):
    """(address, process) of a GGUF file while it is served, with `context` tokens for each of 4 requests at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (Path(folder) / "log.txt").open("w") as log:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(_command(weights, port, name, context), env=environment, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}/health", Path(log.name))
            yield f"http://127.0.0.1:{port}/v1", process
        finally:
            process.kill()
            process.wait(60)


def _command(weights, port, name, context):
    total = str(context * SLOTS)
    if BINARY is None:
        return [sys.executable, "-c", _MAIN, str(weights), str(port), total, str(SLOTS), name]
    kept = ["-ctk", "f32", "-ctv", "f32"]  # as the models compared with; of 16 bits by default
    where = ["-m", str(weights), "--alias", name, "--host", "127.0.0.1", "--port", str(port)]
    return [BINARY, *where, "-c", total, "-np", str(SLOTS), "-t", "1", *kept]


def _wait(process, url, log):
    while process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def write_abacus(path):
    """Abacus as llama.cpp's converter lays a Qwen3 out, in float32."""
    import gguf

    from cotlens.organisms import load_pair
    from tests.model.tiny_gguf import NAMES, add_sizes, add_tokenizer

    hf, tokenizer = load_pair("abacus")
    config, out = hf.config, gguf.GGUFWriter(path, "qwen3")
    out.add_name("abacus")
    add_sizes(out, config)
    out.add_key_length(config.head_dim)
    out.add_value_length(config.head_dim)
    add_tokenizer(out, tokenizer, splits="smollm")  # single digits, as Abacus reads them
    names = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", **NAMES, "model.layers": "blk"}
    for name, weight in hf.state_dict().items():
        for theirs, short in names.items():
            name = name.replace(theirs, short)
        if name != "output.weight":  # tied
            out.add_tensor(name, weight.float().numpy())
    for step in (out.write_header_to_file, out.write_kv_data_to_file, out.write_tensors_to_file, out.close):
        step()

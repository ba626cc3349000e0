"""One engine for all tests of a process."""

import tempfile
from functools import cache

import cotlens as cl
from tests.remote.checkpoint import write


@cache
def embed():
    """The tiny model in an engine."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        engine = {"kv_cache_memory_bytes": 2**27, "block_size": 32}  # short prefixes are kept too
        return cl.load(folder, backend="vllm", dtype="float32", together=16, engine=engine, store=False)

"""A tiny model on a server that speaks as vLLM does, for tests of the endpoint backend."""

import cotlens as cl
from tests.model import tiny

PROMPT = "Mia has 12 pears."


def connect(url, **options):
    """The served model; its tokenizer is given as a loaded one."""
    options = {"tokenizer": tiny.pair("qwen3")[1], "store": False, **options}
    return cl.load(options.pop("name", "tiny"), backend="vllm", endpoint=url, **options)

"""A vLLM engine in this process, which nnsight reaches into: text at vLLM's speed, and the residual stream besides.

It is asked in the words of an endpoint, so what writes and scores by a server writes and scores here too.

- `model`: the model as callers see it; `opening`: `cl.load(..., backend="vllm")` without an endpoint.
- `client`: requests to the engine and their answers. `starting`, `worker`: bringing it up, without a GPU too.
- `whitebox`: what is read and changed there, and whether that is what it seems.

Open `model` first.
"""

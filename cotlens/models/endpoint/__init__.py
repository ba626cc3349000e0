"""A model that another machine serves: any OpenAI-compatible completions endpoint (vLLM, SGLang, `transformers serve`),
or one of chat completions alone (Mistral, DeepSeek, OpenRouter).

A server writes text and, where it gives log-probabilities of a prompt, scores it; what happens inside stays there.

- `model`: the model as callers see it; `no_whitebox`: what it refuses; `opening`: `cl.load(..., backend="vllm")`.
- `probing`: what a server can do, found by trying; `dialect`: how it is spoken to from then on.
- `chat`, `chat_probing`: the same for servers that take messages: whether and how they go on with a begun thought.
- `samples`, `scores`: requests for text and for log-probabilities. `reply`: what comes back, as ids.
- `client`, `secret`, `errors`: HTTP with retries, the key, and what went wrong in one sentence.

Open `model` first.
"""

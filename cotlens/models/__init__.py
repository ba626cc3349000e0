"""How a model is reached: the only room that knows torch, transformers and nnsight.

What others may rely on:

- `contract`: what every model can be asked; `interventions`: changes inside a model, as data.
- `load`: a model by name, folder or loaded pair; `capability`: which backend can do what.
- `endpoint`: a model that a server runs; `ndif`: one on NDIF, inside and out. `mixed`: text from one model, looks
  inside from another.

The local backend, from the outside in:

- `local`: the model as callers see it; `owner`: the one thread that everything runs on.
- `families`, `formats`, `templates`, `codec`, `vocabulary`: prompts to ids. `markers`, `segment`, `harmony`: ids to
  prompt, thought and answer.
- `writing`, `generate`, `sampling`, `stream`: text. `reading`: activations and probabilities. `answering`: forced
  answers. `assemble`: traces.
- `scoring`: branches, by the fast path (`packed`, `packing`, `trunk`, `budget`) or the plain one (`plain`); `check`
  decides.
- `machine`, `engine`, `layout`, `masks`, `logits`: passes through the module; `tracing`: the one room with nnsight
  traces.

Nothing is imported here, so that the contract can be had without torch.
"""

"""How a model is reached; nnsight is known nowhere else. Open `load` first, then `contract`.

What others may rely on:

- `load`: a model by name, folder or loaded pair. `shipped`: the ones that come with the package.
- `contract`: what every model can be asked, and which backend can do what.
- `mixed`: text from one model, looks inside from another.

What the backends share:

- `chat_formats`: how a family writes a thought. `generation`: what is written, and the traces made of it.
- `whitebox`: what is read inside. `architecture`: layers, masks, logits. `tracing`: all nnsight trace blocks.
- `owner`: the one thread that a model runs on. `identity`: which weights it has. `model_config`: what its files say.

The backends: `local` (this process), `ndif`, `endpoint` (a server) and `embedded` (vLLM in this process), which users
know as one, "vllm". Another one, with `endpoint` as a pattern, is a folder beside them that meets `contract.model`, and
a line in the tables of `load` and `contract.capability`.

A family of models is added in `chat_formats.families`, which says how it marks its thoughts; one whose layers are built
otherwise in `architecture`; a server that speaks another dialect in `endpoint.probing`.

Nothing is imported here, so that the contract can be had without torch.
"""

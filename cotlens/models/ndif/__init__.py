"""Models that others run: NDIF, or any server that speaks its protocol.

- `service`: where the server is, who asks, what is up, which versions it has; `faults`: what can go wrong, in words.
- `job_messages`, `results`: what arrives, read as plain data; nothing the server sends is ever executed.
- `wire`: one job from submission to result; `job`: the nnsight backend that hands a traced block to it.
- `passes`: passes through the model as jobs; `scoring`, `reading`, `comparing`, `writing`: what is asked with them.
- `model`, `opening`: `NdifModel`, and how `cl.load(name, backend="ndif")` makes one.

Open `model` first.
"""

"""What can be measured on a trace. Each folder is one family of methods; none knows a backend or a widget.

A new method goes into the folder of its family (each says how in its own docstring), a new family into a folder of its
own beside these. What a measure may ask of a model is `models.contract`, and nothing else of `models`.

What is asked of a trace or a model:

- `importance`: which parts of a thought caused its answer. Open `importance` first.
- `faithfulness`: does the thought decide the answer? `monitors`: what rules and judges say. `diff`: two models on it.
- `lenses`, `probes`: what can be read inside. `features`: latents of autoencoders. `steering`: added directions.
- `latent`: thoughts without words.
- `categories`: what the sentences of a thought do. `rollouts`: many thoughts beside each other.
- `published_rollouts`: what others sampled (one's own: `models.generation`).

What they stand on:

- `answers`: what a model answers when its thought is closed. `stats`: intervals, tests and floors.
- `method`: settings, cost, provenance and cancelling of all methods. `rows`: columns of all results.
- `torch_files`: what torch has pickled, where it holds tensors alone.
- `survey`: many methods on many traces.
- `compare` and `evidence`: several measures of one trace side by side, and what each is evidence of.
"""

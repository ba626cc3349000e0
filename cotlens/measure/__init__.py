"""What can be measured on a trace. Each folder is one family of methods; none knows a backend or a widget.

A new method goes into the folder of its family, a new family into a folder of its own beside these.

- `importance`: which parts of a thought caused its answer. `answers`: what a model answers when its thought is closed.
- `steering` and `features`: directions that are added, and latents of sparse autoencoders.
- `faithfulness`, `monitors` and `diff`: is the thought what decides, who says so, and where two models part on it.
- `stats`: intervals, tests and floors. `published_rollouts`: what others sampled (one's own: `models.generation`).
- `method`: what all measures share. `compare` and `evidence`: several measures of one trace side by side.
"""

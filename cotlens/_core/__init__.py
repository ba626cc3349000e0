"""What every layer of CoTLens may use: errors, registries, lazy imports, cancelling, files.

Nothing here knows about models, traces or widgets, and nothing here imports anything heavier than numpy.

Open `errors` first, then `check`.
"""

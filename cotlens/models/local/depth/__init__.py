"""Models that go through the same layers several times per token, in this process. Open `unrolled` first.

Such a model is run as what it computes: a stack in which each step's layers are layers of their own that share their
weights, so that all else (masks, caches, scoring, sites, lenses, patches) sees an ordinary model of that many layers.
`huginn` and `ouro` read what these families have on disk, without their remote code; `state` is what a loop
begins with. A family is a module as these and a line of `LOOPED` in `models.model_config`.
"""

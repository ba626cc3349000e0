"""Thinking in latents, in this process. Open `loop` first: how latents come, one after the other.

`lockstep` runs one thought many times, with other vectors in place of some latents; `trial` tries at load that a model
can be asked so.
"""

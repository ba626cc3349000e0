"""How the siblings that think without words were made: a terse thought in text first, then the same thought in latents.

Open `recipe` first: its three stages and the three siblings. `examples` draws them, `feedback` runs the latents; what a
terse thought says is `task.terse`.
"""

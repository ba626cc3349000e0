"""A thought's latents in the editor: what they say, and what is answered with some of them moved.

`strip` is what the view shows of them, `thoughts` where means and donors come from, `move` what a person asks for, and
`answers` what the model answers then; `control` does the same to a model that hands nothing on. Open `moving` first.
"""

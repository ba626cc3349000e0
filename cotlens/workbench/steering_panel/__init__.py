"""The steering panel and the model behind it. Open `panel` first: its settings become `runs`, kept in a `history`.

`requests` checks what its view asks; `work` writes and measures on the model's thread, `sweeps` runs many strengths;
`vector_settings` are the dials and `sources` what vectors are made of; `words` says what a rerun comes to.
"""

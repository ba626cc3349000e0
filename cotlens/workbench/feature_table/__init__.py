"""The feature table, with a model and an autoencoder behind it. Open `table` first.

`requests` checks what its view asks; `reading` is what is known of a trace, `work` and `plans` write under held
latents, `labels` names latents. `payload` makes the traits, `code` the Python that does the same.
"""

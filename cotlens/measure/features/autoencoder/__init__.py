"""Sparse autoencoders themselves: from activations to latents (`sae`), files, training, and how good they are.

Open `sae` first. `config` and `store` are the format of SAELens; `sites` says where one reads.
"""

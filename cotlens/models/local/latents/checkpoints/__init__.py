"""Checkpoints of latent reasoners as their makers write them. Open `opening` first.

`tensors` reads the files and puts weights into a model; `coconut` and `codi` say what each family keeps where.
"""

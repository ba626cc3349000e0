"""The half of a backend that looks inside a model: activations, attention, gradients. Open `model` first.

`unembedding` is the way from the residual stream to the logits: what a lens stands on, which is a measure.
"""

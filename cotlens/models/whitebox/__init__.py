"""The half of a backend that looks inside a model: activations, attention, gradients. Open `model` first.

`activations`, `attention_patterns`, `gradients` and `divergence` are what is asked; `unembedding` and `decoding` are
the way from the residual stream to the logits, on which lenses (measures, in `cotlens.measure.lenses`) stand;
`branch_activations` reads at branches where a backend can't in the pass that scores.
"""

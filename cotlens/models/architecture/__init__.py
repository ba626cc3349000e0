"""What a causal language model is made of, wherever it runs.

`layout` finds its layers, `masks` says which tokens see which, `logits` reduces a pass to log-probabilities, rivals and
alternatives. `runner` is what all engines that run passes have in common, `gradient_target` what they differentiate.
"""

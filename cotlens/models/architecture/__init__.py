"""What a causal language model is made of, wherever it runs.

`layout` finds its layers, `masks` says which tokens see which, `logits` reduces a pass to log-probabilities, rivals
and alternatives. To add an architecture with parts of its own, add where they are to `layout` (`ATTENDING`,
`RECURRENT`), who sees whom to `masks`, and what it keeps between tokens to `cotlens.models.local.states`; how it
marks a thought is `cotlens.models.chat_formats`. `runner` is what all engines that run passes have in common,
`gradient_target` what they differentiate.
"""

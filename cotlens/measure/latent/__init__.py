"""Thoughts without words: which latents does the answer depend on, and what do they say?

thought = model.reason(prompt, latents=15)
cl.latent.LatentLens().run(thought, model)                     # what each latent says: decodable
cl.latent.LatentAblation().run(thought, model, others=others)  # used: without it, what would be answered?
cl.latent.Interchange().run(thought, other, model)             # used, for what: another's latent in its place
cl.latent.decodable_and_used(model, cases, control_model=other)   # both, side by side, over many problems

Models that think in depth, each token several times through the same layers (`model.depth`):

cl.latent.DepthLens().run(trace, model)    # what would be said next, had every token taken fewer steps
cl.latent.DepthAnswer().run(trace, model)  # what would be answered then
cl.latent.DepthStop().run(trace, model)    # and if only this sentence had
cl.latent.depth_states(trace, model)       # what each token holds after each step, [tokens, steps, d_model]

That a latent can be decoded says nothing of its use: models without any feedback hold decodable arithmetic too, and
latents can be mere room to think in. So `decodable_and_used` shows both together, beside a model of the same shape
without feedback. What is answered where a thought of latents stops early is asked by `EarlyAnswer(unit="token")`, as of
words; occlusion, lenses and patching take latents as units too.

Open `interchange` first, and for those `depth`; `steps` is what is replaced and by what, `asking` how the answers are
scored.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.latent"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DepthAnswer": f"{_PACKAGE}.depth_answer:DepthAnswer",
        "DepthLens": f"{_PACKAGE}.depth_lens:DepthLens",
        "DepthStop": f"{_PACKAGE}.depth_stop:DepthStop",
        "Interchange": f"{_PACKAGE}.interchange:Interchange",
        "LatentAblation": f"{_PACKAGE}.ablation:LatentAblation",
        "LatentCase": f"{_PACKAGE}.cases:LatentCase",
        "LatentLens": f"{_PACKAGE}.lens:LatentLens",
        "depth_states": f"{_PACKAGE}.depth:depth_states",
        "exit_probabilities": f"{_PACKAGE}.depth:exit_probabilities",
        "decodable_and_used": f"{_PACKAGE}.side_by_side:decodable_and_used",
    },
)

"""Lenses: what each layer would say if it were the last, at every token, or of the answer wherever the thought stops.

grid = cl.lenses.LogitLens().run(trace, model)
found = cl.lenses.AnswerLens().run(trace, model)

lens = cl.lenses.fit(traces, model)            # a TunedLens: a map per layer into the words of the last one
lens.save("abacus.lens"); lens.run(trace, model)
cl.lenses.load_lens("abacus.lens")
cl.lenses.read_jacobian("lens.pt", model)      # a Jacobian lens in the public format
cl.lenses.Fidelity(lenses=(cl.lenses.LogitLens(), lens)).run(others, model)     # how near each comes to the model
cl.lenses.Patchscope(donor=other).run(trace, model)      # the model itself says what a vector holds

A lens says what can be read at a place in the model's own words, not what the model does with it: what a layer holds in
another form it misses. Open `answer` first; `reading` is what all share, `affine` what tuned and Jacobian lenses do.

To add a lens, write a module with a frozen class that has `needs`, `cost` and `run`, and a line in the table below: it
takes streams from `reading.residuals`, puts them to `model.decode`, and returns `reading.table` beside a control and a
floor. A map per layer needs an `AffineLens` alone; another way from the stream to the logits is
`models.whitebox.decoding`.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.lenses"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AffineLens": f"{_PACKAGE}.affine:AffineLens",
        "AnswerLens": f"{_PACKAGE}.answer:AnswerLens",
        "Fidelity": f"{_PACKAGE}.fidelity:Fidelity",
        "JacobianLens": f"{_PACKAGE}.jacobian:JacobianLens",
        "LogitLens": f"{_PACKAGE}.logit:LogitLens",
        "Patchscope": f"{_PACKAGE}.patchscope:Patchscope",
        "TunedLens": f"{_PACKAGE}.tuned:TunedLens",
        "fit": f"{_PACKAGE}.fitting:fit",
        "load_lens": f"{_PACKAGE}.tuned:load_lens",
        "read_jacobian": f"{_PACKAGE}.jacobian:read_jacobian",
    },
)

"""Lenses: what each layer would say if it were the last, at every token, or of the answer wherever the thought stops.

grid = cl.lenses.LogitLens().run(trace, model)
found = cl.lenses.AnswerLens().run(trace, model)

A lens says what can be read at a place in the model's own words, not what the model does with it: what a layer holds in
another form it misses. Open `answer` first; `reading` is what both share.
"""

from cotlens._core.lazy import lazy_attributes

_ROOM = "cotlens.measure.lenses"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AnswerLens": f"{_ROOM}.answer:AnswerLens",
        "LogitLens": f"{_ROOM}.logit:LogitLens",
    },
)

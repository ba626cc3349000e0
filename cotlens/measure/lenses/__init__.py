"""Lenses: what each layer would say if it were the last, at every token, or of the answer wherever the thought stops.

grid = cl.lenses.LogitLens().run(trace, model)
found = cl.lenses.AnswerLens().run(trace, model)

A lens says what can be read at a place in the model's own words, not what the model does with it: what a layer holds in
another form it misses. Open `answer` first; `reading` is what both share.

To add a lens, write a module with a frozen class that has `needs`, `cost` and `run`, and a line in the table below: it
takes streams from `reading.streams`, puts them to `model.decode`, and returns `reading.table` beside a control and a
floor. Another way from the stream to the logits is `models.whitebox.decoding`.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.lenses"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AnswerLens": f"{_PACKAGE}.answer:AnswerLens",
        "LogitLens": f"{_PACKAGE}.logit:LogitLens",
    },
)

"""Which parts of a thought caused its answer. One module per method; `METHODS` is the table of them.

    cl.importance.EarlyAnswer(unit="token").run(trace, model)
    cl.importance.Occlusion(effect="direct", unit="sentence").run(trace, model)

To add a method, write a module with a frozen settings class that has `needs`, `cost(trace)` and
`run(trace, model, seed=0)`, and add one line to the table: the contract tests find it there.
"""

from cotlens._core.lazy import lazy_attributes
from cotlens._core.registry import Registry

_TABLE = {
    "EarlyAnswer": "cotlens.measure.importance.early_answer:EarlyAnswer",
    "Occlusion": "cotlens.measure.importance.occlusion:Occlusion",
}
METHODS = Registry("importance method", _TABLE)

__getattr__, __dir__ = lazy_attributes(__name__, _TABLE)

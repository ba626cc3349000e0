"""Which parts of a thought caused its answer. One module per method; `METHODS` is the table of them.

    cl.importance.EarlyAnswer(unit="token").run(trace, model)
    cl.importance.Occlusion(effect="direct", unit="sentence").run(trace, model)

To add a method, write a module with a frozen settings class that has `needs`, `cost(trace)` and
`run(trace, model, seed=0)`, and add one line to the table; the contract tests fail until it has a case in
`tests/contract/test_importance.py`. A module holds an estimand: another way of rewriting sentences is a
setting of what is there (`sampled.rewriting`). `CONTRIBUTING.md` says what else a method needs (the menu of the editor,
the kind of its evidence).

Open `occlusion` first, the plainest method.
"""

from cotlens._core.lazy import lazy_attributes
from cotlens._core.registry import Registry

_TABLE = {
    "Counterfactual": "cotlens.measure.importance.counterfactual:Counterfactual",
    "EarlyAnswer": "cotlens.measure.importance.early_answer:EarlyAnswer",
    "Filler": "cotlens.measure.importance.filler:Filler",
    "Gradient": "cotlens.measure.importance.gradient:Gradient",
    "Mistake": "cotlens.measure.importance.mistake:Mistake",
    "Occlusion": "cotlens.measure.importance.occlusion:Occlusion",
    "Paraphrase": "cotlens.measure.importance.paraphrase:Paraphrase",
    "ReceiverHeads": "cotlens.measure.importance.receiver_heads:ReceiverHeads",
    "Resampling": "cotlens.measure.importance.resampling:Resampling",
    "Resilience": "cotlens.measure.importance.resilience:Resilience",
    "Suppression": "cotlens.measure.importance.suppression:Suppression",
}
METHODS = Registry("importance method", _TABLE)

__getattr__, __dir__ = lazy_attributes(
    __name__, {**_TABLE, "over_forms": "cotlens.measure.importance.shared.spread:over_forms"}
)

"""`cl.diff`: where two models, or one model under two prompts, part: on one thought, on several, or on their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.diff.many import on_prompts, on_traces
from cotlens.measure.diff.method import Diff
from cotlens.measure.diff.sides import Other
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace

_TAKES = "diff takes a Trace, several of them, or a list of prompts on which both write thoughts of their own"


def diff(
    a: Model,
    b: Other,
    trace: Trace | Sequence[Trace] | Sequence[str],
    *,
    unit: str = "sentence",
    metric: str = "kl_back",
    floor: Any = (),
    n: int = 1,
    seed: int = 0,
    max_new_tokens: int | None = None,
) -> Result:
    """At which words of a thought would `b` go on otherwise than `a`?

        cl.diff(tuned, base, trace)  # two models
        cl.diff(model, "What is 12 + 7?", trace)  # one model, had it been asked this
        cl.diff(tuned, base, trace, floor=[cl.load("tuned", dtype="bfloat16")])  # what rounding alone moves
        cl.diff(tuned, base, prompts, n=2)  # thoughts of both; means with intervals over the thoughts

    Args:
        a: the first model, held against what `b` would say.
        b: another model; or a prompt for `a`, or a function from a trace's prompt to one.
        trace: whose thought both read. Of several traces, means with bootstrap intervals over them; of prompts the
            same, over `n` thoughts that each side writes on every prompt.
        unit: "sentence", "paragraph", "step" or "token"; see `Diff`.
        metric: "kl_back", KL(b || a); "kl", KL(a || b); or "js": which is the estimate; all are in the columns.
        floor: who or what should make no difference, each as `b`.
        n, seed, max_new_tokens: of the thoughts that are written, and of the bootstrap.

    Returns:
        of one trace a result per unit with the columns of `Diff`, which `cl.show` opens with both readings; of several
        one of kind "diff", a row per quantity.

    Raises:
        InputError: nothing that can be compared was given; or `b` has another tokenizer, and the text can't be
            compared instead.
        CapabilityError: a model gives no log-probabilities of a text, or can't write.
    """
    method = Diff(other=b, unit=unit, metric=metric, floor=floor)
    if isinstance(trace, Trace):
        return method.run(trace, a, seed)
    given: list[Any] = [trace] if isinstance(trace, str) else list(trace) if isinstance(trace, Sequence) else []
    if given and all(isinstance(one, Trace) for one in given):
        return on_traces(method, a, given, seed)
    if given and all(isinstance(one, str) for one in given):
        return on_prompts(method, a, given, n, seed, max_new_tokens)
    what = "an empty list" if isinstance(trace, Sequence) and not trace else f"a {type(trace).__name__}"
    raise InputError(f"{_TAKES}; {what} was given.")

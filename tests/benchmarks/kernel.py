"""From a committed edit to the new answer distribution, in the kernel: message in, trait out.

Two distributions follow an edit. The first is what the model would answer now, its thought edited and otherwise kept:
both answers are shown as soon as it is known. The second belongs to the thought that the model writes anew from the
edit on, token by token.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled
from cotlens.measure.answers.forms import form_of
from cotlens.measure.answers.rivals import pool
from cotlens.trace import Trace
from tests.benchmarks import plain
from tests.benchmarks.table import Row

PROMPT = (
    "Ravi has 16 shells. He finds 28 more shells. It is a sunny day. He gives away 15 shells. "
    "Then he loses 12 shells. How many shells does Ravi have?"
)
THOUGHT = (
    "Let me go step by step. Ravi starts with 16 shells. He gets 28 more, so 16 + 28 = 44. "
    "Then 15 are gone: 44 - 15 = 29. He loses 12, so 29 - 12 = 17."
)
MEASURED = "at least .67: 1.5 times as long"


def edit_to_answer(repeats: int = 9) -> list[Row]:
    """Median times from the edit's message to either distribution, and to the branch with all its measurements."""
    model = cl.load("abacus")
    trace = cl.Trace.from_text(PROMPT, THOUGHT, "The answer is 17.", model=model)
    editor = cl.CoTEditor(model, trace)
    editor.wait(60)
    at = trace.text.index("= 44") + 2
    times: dict[str, list[float]] = {"kept": [], "asked": [], "rewritten": [], "measured": [], "generated": []}
    for number in range(repeats):
        text = str(45 + number)
        comparisons, taken = _commit(editor, 10 * number, trace, at, text)
        answers = _candidates(model, trace, edited := trace.replace((at, at + 2), text))
        began = time.perf_counter()
        probabilities = _asked_plainly(model, (trace, edited), answers)
        taken["asked"] = time.perf_counter() - began
        shown = {row["answer"]: row["after"] for row in comparisons[0]["rows"][:-1]}
        np.testing.assert_allclose(list(shown.values()), [probabilities[answer] for answer in shown], atol=1e-3)
        taken["generated"] = _generated_plainly(model, editor.branches[-1])
        for name, seconds in taken.items():
            times[name].append(seconds)
    mid = {name: median(each) for name, each in times.items()}
    each, same = "one plain forward per text and answer", "plain generate of as many tokens, nothing measured"
    return [
        Row("committed edit to new answer distribution", mid["kept"], mid["asked"], each, "under 150 ms"),
        Row("committed edit to that of the rewritten thought", mid["rewritten"], mid["generated"], same),
        Row("committed edit to rewritten and measured branch", mid["measured"], mid["generated"], same, MEASURED),
    ]


def _commit(editor: Any, number: int, trace: Trace, at: int, text: str) -> tuple[list[dict], dict[str, float]]:
    """Commit one edit of `trace` and go back: what was compared, seconds until the first, the last and all."""
    shown: list[tuple[float, dict]] = []
    known = threading.Event()

    def note(change: dict[str, Any]) -> None:
        if change["new"] is not None:
            shown.append((time.perf_counter(), change["new"]))
            known.set()

    tell: Callable[[dict], None] = lambda content: editor._on_message(editor.view, content)  # noqa: E731
    editor.view.observe(note, "comparison")
    began = time.perf_counter()
    edit = {"kind": "edit", "document": trace.id, "start": at, "end": at + 2, "text": text}
    tell({"request_id": number + 1, **edit})
    assert known.wait(60) and editor.wait(60) and not editor.error, editor.error
    whole = time.perf_counter() - began
    editor.view.unobserve(note, "comparison")
    tell({"request_id": number + 2, "kind": "goto", "branch": "b0"})
    editor.wait(60)
    taken = {"kept": shown[0][0] - began, "rewritten": shown[-1][0] - began, "measured": whole}
    return [comparison for _, comparison in shown], taken


def _candidates(model: Any, before: Trace, after: Trace) -> list[str]:
    """The answers that the editor compares: the one given, and the numbers of both texts."""
    given = before.read_answer()
    assert given is not None
    pooled = [one for trace in (before, after) for one in _pooled(model, before, trace)]
    return list(dict.fromkeys([given.surface, *pooled]))


def _pooled(model: Any, before: Trace, trace: Trace) -> list[str]:
    return pool(trace, before.reader or model.reader, form_of(before, model))


def _asked_plainly(model: Any, traces: tuple[Trace, Trace], answers: list[str]) -> dict[str, float]:
    """Probability of each answer after the thought of the last trace; the others' are worked out, too."""
    found: dict[str, float] = {}
    for trace in traces:
        for answer in answers:
            asked = plain.forced_ids(model, trace, trace.roles["thought"].end, answer)
            found[answer] = float(np.exp(plain.answer_logprob(model.engine.hf, *asked)))
    return found


def _generated_plainly(model: Any, written: Trace) -> float:
    """Seconds in which plain transformers write as many tokens as stand after the edit of a branch."""
    assert written.rewritten_from is not None
    count = len(written.token_ids) - written.rewritten_from
    prefix = torch.tensor([written.token_ids[: written.rewritten_from]])
    began = time.perf_counter()
    with torch.inference_mode():
        model.engine.hf.generate(prefix, do_sample=False, min_new_tokens=count, max_new_tokens=count)
    return time.perf_counter() - began


def cancelling(repeats: int = 5) -> list[Row]:
    """From asking long work to stop to its partial result in hand, the slowest of some moments."""
    model = cl.load("abacus")
    trace = cl.Trace.from_text(PROMPT, " ".join([THOUGHT] * 8), "The answer is 17.", model=model)
    method = cl.importance.Occlusion(effect="total")
    began = time.perf_counter()
    with using(Control()):
        method.run(trace, model)
    whole = time.perf_counter() - began
    taken = [_cancelled_after(method, trace, model, whole * (i + 1) / (repeats + 1)) for i in range(repeats)]
    return [Row("cancelled to partial result in hand", max(taken), whole, "the whole run", "under 0.5 s")]


def _cancelled_after(method: Any, trace: Trace, model: Any, seconds: float) -> float:
    """Seconds from the cancel to the end."""
    control, ended = Control(), []

    def work() -> None:
        with using(control):
            try:
                method.run(trace, model)
            except Cancelled as cancelled:
                ended.append((time.perf_counter(), cancelled.partial))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(seconds)
    asked = time.perf_counter()
    control.cancel()
    thread.join()
    assert ended, "the run ended before it could be cancelled"
    return ended[0][0] - asked

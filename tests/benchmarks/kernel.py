"""From a committed edit to the new answer distribution, in the kernel: message in, trait out."""

from __future__ import annotations

import threading
import time
from statistics import median

import cotlens as cl
from tests.benchmarks.table import Row

PROMPT = (
    "Ravi has 16 shells. He finds 28 more shells. It is a sunny day. He gives away 15 shells. "
    "Then he loses 12 shells. How many shells does Ravi have?"
)
THOUGHT = (
    "Let me go step by step. Ravi starts with 16 shells. He gets 28 more, so 16 + 28 = 44. "
    "Then 15 are gone: 44 - 15 = 29. He loses 12, so 29 - 12 = 17."
)


def edit_to_answer(repeats: int = 9) -> list[Row]:
    """Median time from the edit's message to the comparison, and to the end of the rewritten thought."""
    model = cl.load("abacus")
    trace = cl.Trace.from_text(PROMPT, THOUGHT, "The answer is 17.", model=model)
    editor = cl.CoTEditor(model, trace)
    editor.wait(60)
    root = editor.view.branches[0]["id"]
    at = trace.text.index("= 44") + 2
    first, whole = [], []
    for number in range(repeats):
        answered = threading.Event()
        editor.view.observe(lambda change, done=answered: change["new"] and done.set(), "comparison")
        began = time.perf_counter()
        edit = {"request_id": 10 * number + 1, "kind": "edit", "start": at, "end": at + 2, "text": str(45 + number)}
        editor._on_message(editor.view, edit)
        assert answered.wait(30)
        first.append(time.perf_counter() - began)
        editor.wait(60)
        whole.append(time.perf_counter() - began)
        editor.view.unobserve_all("comparison")
        editor._on_message(editor.view, {"request_id": 10 * number + 2, "kind": "goto", "branch": root})
        editor.wait(60)
    return [
        Row("committed edit to new answer distribution", median(first), goal="under 150 ms"),
        Row("committed edit to rewritten and measured trace", median(whole)),
    ]

"""An editor in words, for a script, an agent or a plain terminal, and as the Python that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cotlens.results import Result
from cotlens.results.code import loading, opening_of, script
from cotlens.results.summary import LEAST, MOST, escaped, one_line, summary
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.editor.latents.strip import in_words
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.measure_runner import MeasureRunner
from cotlens.workbench.editor.no_model import OPENED

_PARTS = {"prompt": 160, "thought": 420, "answer": 120}
"""Part of the text -> its most characters."""
_LATENTS, _BRANCHES = 300, 6
_PENDING = "Nothing is measured yet: editor.wait() until it is, then print(editor.summary())."


def tell(head: Mapping[str, Any], tree: Tree, result: Result | None, lens: Result | None, markdown: bool) -> str:
    """The model, the newest branches with their answers, the shown text, and what it is shaded by.

    Args:
        lens: what is read at the latents of the shown text.
    """
    say = escaped if markdown else str
    trace = tree.current.trace
    text = [f"{name}: {say(one_line(getattr(trace, name) or '', most))}" for name, most in _PARTS.items()]
    if latents := in_words(trace, lens):
        text.insert(1, f"latents: {say(one_line(latents, _LATENTS))}")
    model = f"{head.get('model', 'no model')}, {head.get('where', '')}"
    lines = [f"**CoTEditor** ({say(model)}); {len(trace.token_ids):,} tokens", *map(say, _branches(tree)), *text, ""]
    begin = "\n".join(lines)[: MOST - LEAST - 1]
    rest = _PENDING if result is None else summary(result, MOST - len(begin) - 1, markdown=markdown)
    return f"{begin}\n{rest}"


def code_of(measuring: MeasureRunner, tree: Tree, branch: str, readers: Sequence[str], shown: ShadingSettings) -> str:
    """Python that makes a branch, read by these lines, and what it is shaded by; where it can't be, why."""
    model, trace = measuring.model, tree.node(branch).trace
    if not model.capabilities:
        return script(*loading(trace), *tree.script(branch), *readers, OPENED)
    why = measuring.why_not(trace, shown)
    cannot = f"# no result: {shown.entry.label} can't be measured here: {one_line(why or '')}"
    last = shown.code() if why is None else cannot
    return script(f"model = {opening_of(model)}", *tree.script(branch), *readers, last)


def _branches(tree: Tree) -> list[str]:
    """A line per branch, the newest ones where there are many."""
    lines = [
        f"{branch['id']}{' (shown)' if branch['current'] else ''}: {branch['label']}, {_answer(branch)}"
        for branch in tree.payload()
    ]
    return lines if len(lines) <= _BRANCHES else [f"{len(lines)} branches, the newest:", *lines[-_BRANCHES:]]


def _answer(branch: Mapping[str, Any]) -> str:
    if branch["awaits_rerun"]:
        return "edited, not rerun"
    sure = "" if branch["p"] is None else f" (p {branch['p']:.2g})"
    return f"answers {one_line(str(branch['answer']), 60)}{sure}"

"""Folders of rollouts in the layout of Thought Anchors: the base trace, and those sampled in place of each chunk.

What was measured on them is read by `cl.read_rollouts`; here are the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.files import json_of
from cotlens.trace.readers.texts.markers import pieces
from cotlens.trace.trace import Trace

BASE, PROBLEM, SOLUTIONS = "base_solution.json", "problem.json", "solutions.json"

_CHUNK = re.compile(r"chunk_(\d+)")
_OPEN = re.compile(r"<think>\s*")


def folder_traces(folder: Path, *, model: Any = None) -> Iterator[Trace]:
    """The base trace, then the rollouts of each chunk in the order of chunks; `meta["chunk"]` says of which.

    Raises:
        InputError: a file is damaged, or a rollout holds no text.
    """
    problem = json_of(folder / PROBLEM) if (folder / PROBLEM).is_file() else {}
    base = json_of(folder / BASE) if (folder / BASE).is_file() else {}
    prompt = base.get("prompt") or str(problem.get("problem") or "")
    about = {"problem": folder.name, "target": str(problem.get("gt_answer") or ""), "finish": "stop"}
    if isinstance(base.get("solution"), str):
        yield _trace(prompt + base["solution"], prompt, {**about, "correct": base.get("is_correct")}, model)
    chunks = [(int(found[1]), path) for path in folder.glob("chunk_*") if (found := _CHUNK.fullmatch(path.name))]
    for number, path in sorted(chunks):
        if not (path / SOLUTIONS).is_file():
            continue
        rollouts = json_of(path / SOLUTIONS)
        if not isinstance(rollouts, list):
            raise InputError(
                f"{path / SOLUTIONS} should hold a list of rollouts; it holds a {type(rollouts).__name__}."
            )
        for sample, rollout in enumerate(rollouts):
            where = f"Rollout {sample} of {path / SOLUTIONS}"
            if isinstance(rollout, Mapping) and "error" in rollout and "rollout" not in rollout:
                continue  # the sampler notes a failed request in place of its text
            more = {"chunk": number, "sample": sample, "correct": _value(rollout, "is_correct")}
            removed = _value(rollout, "chunk_removed")
            yield _trace(_whole(rollout, prompt, where), prompt, {**about, **more, "chunk_removed": removed}, model)


def _value(rollout: Any, name: str) -> Any:
    found = rollout.get(name) if isinstance(rollout, Mapping) else None
    return found if isinstance(found, (str, bool, int, float, type(None))) else None


def _whole(rollout: Any, prompt: str, where: str) -> str:
    """All of a rollout's text, from the prompt on."""
    if isinstance(rollout, Mapping) and isinstance(rollout.get("full_cot"), str):
        return str(rollout["full_cot"])
    if isinstance(rollout, Mapping) and isinstance(rollout.get("rollout"), str):
        return prompt + str(rollout.get("prefix_without_chunk") or "") + str(rollout["rollout"])
    raise InputError(f"{where} has no text under 'full_cot' or 'rollout', so it can't be read.")


def _trace(text: str, prompt: str, about: Mapping[str, Any], model: Any) -> Trace:
    """A trace of a text that begins with the prompt, which opens the thought."""
    opened = _OPEN.search(text)
    asked, rest = (text[: opened.start()], text[opened.end() :]) if opened else (prompt, text.removeprefix(prompt))
    said = pieces(f"<think>{rest}")
    parts = [Part("user", asked.strip()), *(Part(kind, words, 1) for kind, words in said)]
    meta = {name: value for name, value in about.items() if value not in (None, "")}
    return from_parts(Trace, parts, meta=meta, model=model, reader=FinalAnswer())

"""The base trace of published rollouts, and which of its tokens each published chunk is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from cotlens.measure.published_rollouts.files import ProblemFiles
from cotlens.trace import FinalAnswer, Span, Trace, chunk_texts, split

NOTE = "Read from published text: tokens are words, and nothing can be measured on it or edited."
REJOINED = "The base solution was not published here; the thought is its sentences joined by spaces."

_OPEN, _CLOSE = re.compile(r"<think>\s*"), re.compile(r"</think>\s*")
_WORD = re.compile(r"\s*\S+|\s+")


def base_trace(problem: ProblemFiles) -> tuple[Trace, list[Span]]:
    """The trace, whose text is `prompt + solution` to the letter, and the span of every chunk, in order.

    A chunk that can't be found in the text has an empty span where it would stand.
    """
    text, (thought, end), prompt, notes = _layout(problem)
    close = _CLOSE.search(text, thought, end)
    # Stripped, not matched: "\s*</think>" would begin anew at each space of a long run.
    stop, answer = (thought + len(text[thought : close.start()].rstrip()), close.end()) if close else (end, None)
    places = _places(text, thought, stop, problem.chunks)
    edges = {0, prompt, thought, stop, len(text), *(place for pair in places for place in pair)}
    words = _words(text, sorted(edges | ({answer} if answer is not None else set())))
    offsets = np.cumsum([0, *map(len, words)])
    at = {int(char): token for token, char in reversed(list(enumerate(offsets)))}
    roles = {"prompt": (0, at[prompt]), "thought": (at[thought], at[stop])}
    if answer is not None:
        roles["answer"] = (at[answer], len(words))
    meta = {"finish": "given", "thought_closed": close is not None, "notes": notes}
    trace = Trace.build(*_tokens(words), roles, meta=meta, reader=FinalAnswer())
    return trace, _spans(places, at, at[stop])


def _layout(problem: ProblemFiles) -> tuple[str, tuple[int, int], int, list[str]]:
    """The whole text, where the solution's thought begins and the text ends, where the prompt ends, and notes."""
    base = problem.base
    notes = [NOTE]
    solution = base.get("solution")
    prompt = base.get("prompt", problem.problem.get("problem"))
    prompt = prompt if isinstance(prompt, str) else ""
    if not isinstance(solution, str):
        solution, notes = " ".join(problem.chunks), [NOTE, REJOINED]
        prompt = f"{prompt}\n\n" if prompt else ""
    text = prompt + solution
    for marker in _OPEN.finditer(text):  # the one that stands between the prompt and the solution, in either
        if not (text[marker.end() : len(prompt)] + text[len(prompt) : marker.start()]).strip():
            return text, (marker.end(), len(text)), len(text[: marker.start()].rstrip()), notes
    return text, (len(prompt), len(text)), len(prompt.rstrip()), notes


def _places(text: str, start: int, stop: int, chunks: Sequence[str]) -> list[tuple[int, int]]:
    """Characters of every chunk: where the splitter puts them, else one after the other as the text has them."""
    if chunk_texts(text[start:stop]) == list(chunks):
        return [(start + first, start + last) for first, last in split(text[start:stop], "sentence")]
    places, at = [], start
    for chunk in chunks:
        found = re.compile(r"\s+".join(map(re.escape, chunk.split()))).search(text, at, stop)
        place = found.span() if found and found.end() > found.start() else (at, at)
        places.append(place)
        at = place[1]
    return places


def _words(text: str, edges: Sequence[int]) -> list[str]:
    """Words with the whitespace before them; none crosses an edge."""
    return [word for first, last in pairwise(edges) for word in _WORD.findall(text[first:last])]


def _tokens(words: Sequence[str]) -> tuple[list[int], list[bytes]]:
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return [numbers[word] for word in words], [word.encode("utf-8", "surrogatepass") for word in words]


def _spans(places: Sequence[tuple[int, int]], at: dict[int, int], last: int) -> list[Span]:
    """Every chunk with the tokens up to the next one."""
    begins: list[Any] = [at[first] for first, _ in places] + [last]
    spans = []
    for i, (first, end) in enumerate(places):
        stop = max(begins[i], begins[i + 1]) if end > first else begins[i]
        spans.append(Span(begins[i], stop, first, end, "sentence"))
    return spans

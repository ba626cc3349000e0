"""A text that a model wrote, as the parts that its markers tell: thoughts, answers, and calls of tools."""

from __future__ import annotations

import dataclasses

from cotlens.trace.parts.part import Part
from cotlens.trace.readers.statuses import status_within
from cotlens.trace.readers.texts.calls import called
from cotlens.trace.readers.texts.harmony import channels
from cotlens.trace.readers.texts.markers import pieces


def parts_within(text: str, model: str = "") -> list[Part]:
    """The parts of a text in their order; one answer where it marks nothing.

    Args:
        text: what a model wrote, maybe from inside a thought that the template opened.
        model: who wrote it.
    """
    found = channels(text)
    if found is None:
        found = []
        for kind, said in pieces(text):
            found += called(said) if kind == "answer" else [Part(kind, said, channel="content")]
    status = status_within(model)
    return [dataclasses.replace(part, status=status) if part.kind == "thought" else part for part in found]

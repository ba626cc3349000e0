"""From a request to what the model is to write: the edited trace, how it goes on, its name, and the same in Python."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from cotlens.trace.latents import among, name_of
from cotlens.trace.spans import token_spans
from cotlens.widgets.protocol.shared import BranchKind
from cotlens.workbench.branches.node import short
from cotlens.workbench.editor.requests import Request
from cotlens.workbench.shared.layout import layout
from cotlens.workbench.shared.limits import tokens_left
from cotlens.workbench.shared.origin import named

_WORD = re.compile(r"[^\W_\u2e80-\U0010ffff]+")  # scripts that part their words by spaces


@dataclass(frozen=True, eq=False)
class BranchPlan:
    """One try.

    Args:
        edited: the trace that is resumed; `source` itself where the model only writes again.
        options: of `model.resume`.
        expression: Python for `edited`, with `trace` for the branch it is made from.
        kind: of the branch; None for what its edit says.
        before: lines of Python that the expression needs.
    """

    source: Trace
    edited: Trace
    options: dict[str, Any]
    label: str
    expression: str
    kind: BranchKind | None = None
    before: tuple[str, ...] = ()

    @property
    def changes_text(self) -> bool:
        """Whether something else stands in the thought, with the rest of it as it was."""
        return self.edited is not self.source and self.edited.edit is not None and self.edited.edit.kind != "truncate"

    @property
    def at(self) -> int:
        """The token of `edited` from which the model writes."""
        return int(self.options.get("at", self.edited.resume_at))

    def limit(self, model: Model) -> int:
        """How many tokens the model may write."""
        return tokens_left(model, self.options["max_new_tokens"], self.at)

    def check_fits(self, model: Model) -> None:
        """Raise InputError where the model's context is full before it can write a token.

        Asked before the work starts, while the view still holds the text that was typed. What follows the place from
        which the model writes is written anew, however long it was.
        """
        if self.at >= model.context_length:
            raise InputError(
                f"Up to where the model goes on the text has {self.at:,} tokens, and the model's context holds "
                f"{model.context_length:,}: shorten it, or go on from an earlier place."
            )

    @property
    def start(self) -> int:
        """The character of the source at which new text begins."""
        if self.edited is self.source:
            return int(self.source.offsets[self.at])
        return self.edited.edit.start if self.edited.edit is not None else len(self.source.text)

    @property
    def text(self) -> str:
        """What stands there before the model goes on."""
        return self.edited.edit.new if self.changes_text and self.edited.edit is not None else ""

    def surprised(self, model: Model) -> Trace:
        """`edited`, with how unlikely its new text is to the model."""
        if not self.changes_text:
            return self.edited
        return dataclasses.replace(self.edited, edit=model.surprise(self.edited))

    def code(self, **more: Any) -> str:
        """The line of Python that makes the new branch."""
        settings = ", ".join(f"{name}={value!r}" for name, value in {**self.options, **more}.items())
        return "\n".join([*self.before, f"trace = model.resume({self.expression}, {settings})"])


def plan(trace: Trace, request: Request, options: dict[str, Any]) -> BranchPlan:
    """What an edit, branch, truncation or rerun of `trace` asks the model to write.

    Args:
        options: of `model.resume`: seed and limits.

    Raises:
        InputError: the place is outside the thought.
    """
    if request.kind == "edit":
        edited, label, expression = _edit(trace, request)
        return BranchPlan(trace, edited, options, label, expression)
    token = request.token
    if request.kind == "branch":
        edited, label = _branch(trace, token, request.token_id)
        index = token - trace.roles["thought"].start
        return BranchPlan(
            trace, edited, options, label, f"trace.replace(trace.spans('token')[{index}], [{request.token_id}])"
        )
    if request.kind == "rerun" and trace.awaits_rerun and token == trace.resume_at:
        return BranchPlan(trace, trace, options, named(trace.edit), "trace", "rerun")
    answer = trace.roles.get("answer")
    if request.kind == "rerun" and answer is not None and answer.start <= token:
        return BranchPlan(trace, trace, {"at": token, **options}, "answer again", "trace", "rerun")
    if request.kind == "rerun" and among(trace, token, token + 1):  # what stands there is thought again, not written
        return BranchPlan(
            trace, trace, {"at": token, **options}, f"again from {_where(trace, token)}", "trace", "rerun"
        )
    cut = trace.truncate(token)
    where = _where(trace, token) if token < trace.roles["thought"].end else "its end"
    if request.kind == "rerun":
        return BranchPlan(trace, cut, options, f"again from {where}", f"trace.truncate({token})", "rerun")
    return BranchPlan(trace, cut, {"close_thought": True, **options}, f"cut at {where}", f"trace.truncate({token})")


def _edit(trace: Trace, request: Request) -> tuple[Trace, str, str]:
    rest = _rest_of_word(trace, request)
    place = (request.start, request.end + len(rest))
    old, text = trace.text[place[0] : place[1]], request.text + rest
    _check_latents(trace, *place)
    if not old and not text:
        raise InputError("Nothing was changed: give another text, or pick what is to be taken out.")
    if not old:
        edited = trace.insert(place, text)
        return edited, f"+ {short(text)}", f"trace.insert({place}, {text!r})"
    if not text:
        return trace.delete(place), f"− {short(old)}", f"trace.delete({place})"
    edited = trace.replace(place, text)
    return edited, f"{short(old)} → {short(text)}", f"trace.replace({place}, {text!r})"


def _check_latents(trace: Trace, start: int, end: int) -> None:
    """Raise InputError where latents stand within characters start..end: they have no text that could be changed."""
    at = trace.offsets[trace.latent_tokens]
    inside = np.flatnonzero((at > start) & (at < end))
    if len(inside):
        raise InputError(
            f"Latents {inside[0]} to {inside[-1]} stand within this text, and no text can take their place: change the "
            "words before and behind them apart, or pick the latents to move them or take them out."
        )


def _rest_of_word(trace: Trace, request: Request) -> str:
    """What follows an edit within its word or number: who makes 54 of 44 means the whole number.

    Only what differs arrives ("4" → "5"), and the model goes on right after the edit.
    """
    left = request.text[-1:] or trace.text[max(0, request.start - 1) : request.start]
    thought = trace.roles.get("thought")
    if thought is None or not _WORD.fullmatch(left):
        return ""
    found = _WORD.match(trace.text, request.end, thought.char_end)
    return found.group() if found else ""


def _branch(trace: Trace, token: int, token_id: int) -> tuple[Trace, str]:
    thought = trace.roles.get("thought")
    if thought is None or not thought.start <= token < thought.end:
        raise InputError(f"Token {token} is not in the thought: branch at one of the thought's tokens.")
    if among(trace, token, token + 1):
        raise InputError(f"{_where(trace, token).capitalize()} is no word, so no other word can stand there: move it.")
    start, end = int(trace.offsets[token]), int(trace.offsets[token + 1])
    edited = trace.replace(Span(token, token + 1, start, end, "token"), [token_id])
    new = edited.text[int(edited.offsets[token]) : int(edited.offsets[token + 1])]
    return edited, f"{short(trace.text[start:end].strip() or '␣')} → {short(new.strip() or '␣')}"


def _where(trace: Trace, token: int) -> str:
    if among(trace, token, token + 1):
        return name_of(trace, token_spans(trace.offsets, token, token + 1)[0])
    sentence = layout(trace).sentence_at(token)
    return f"token {token}" if sentence is None else f"#{sentence}"

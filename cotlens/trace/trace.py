"""The trace: a prompt, a thought and an answer, with the tokens they were made of.

Token ids and the characters they came from are kept as they were produced and never tokenised again: an edit tokenises
only the new text (and what is left of a token that it cuts through) and keeps every id before and after it bit for bit.
Traces are immutable; an edited or rewritten trace is a new one that knows its parent, so branches form a tree.
"""

from __future__ import annotations

from typing import Any, Self

from cotlens._core.files import PathLike
from cotlens.trace import display, editing, plain, storage
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.editing import NewText
from cotlens.trace.parts import focusing
from cotlens.trace.places import Place
from cotlens.trace.prompts import Prompt
from cotlens.trace.readers.messages import parts_of
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span


class Trace(TraceRecord):
    """One reasoning trace. Models make them; `Trace.build` and `Trace.from_text` do by hand.

    Args:
        token_ids: n ids, as the model read and wrote them.
        text: all characters; `"".join(trace.tokens) == trace.text` always.
        offsets: int64 [n + 1]; token i is `text[offsets[i]:offsets[i + 1]]` in code points. A character that is split
            over several tokens belongs to the one that completes it.
        roles: "prompt", "thought" and "answer" -> Span. A role that the trace hasn't got is missing; an empty thought
            is a span of no tokens. Markers and template text belong to no role: a token that holds a part of a marker
            is none of the thought's or answer's, but its other characters are theirs.
        logprobs: float32 [n], nats, of each token given those before it; NaN where unknown.
        top_ids, top_logprobs: int32 and float32 [n, k], what else the model considered for each token; -1 and NaN
            where unknown.
        top_pieces: the texts of `top_ids`, per token a tuple of k; an empty tuple where unknown.
        parent: the trace that this one was made from.
        edit: what was edited to make it.
        rewritten_from: index of the first token that the model wrote when it resumed the parent.
        meta: model, revision, seed, temperature, top_p, finish ("stop", "length", "cancelled", "error",
            "given"; "given" where it is missing), thought_closed, messages (of a conversation, as given), notes, ...
        reader: how the answer is read.
        codec: the tokenizer that edits need. It is not saved and no part of the trace's identity.
        given_parts: of a trace that came from elsewhere, everything it is of (see `parts`); empty where that is a
            prompt, a thought and an answer.
        focus_order: which of them is the thought of the roles; None without one.
        origin: what another focus is taken from; not saved.
        latents: float32 [k, d_model], of a thought in latents (see `trace.latents`): the hidden states after the final
            norm that the model handed on to itself, before its feedback; [0, 0] of a thought in words.
        latent_tokens: int64 [k], the tokens that stand for them, which have no text.

    Raises:
        InputError: the parts don't fit together.
    """

    @classmethod
    def from_text(cls, prompt: Prompt, thought: str = "", answer: str | None = None, *, model: Any = None) -> Self:
        """A trace from plain text.

        With a model, its tokenizer and chat format are used. Without one the tokens are words: good for looking at, but
        nothing can be measured on it or edited.

        Args:
            prompt: a question, or a conversation as a list of messages that ends with one.
            thought: without markers. A text that begins with the model's marker (without a model, with <think>) and
                holds the one that ends a thought is split there, and a note says so; other markers are characters.

        Raises:
            InputError: a text is none, or the prompt is empty or no conversation.
        """
        return plain.from_text(cls, prompt, thought, answer, model)

    @classmethod
    def from_messages(cls, messages: Any, *, model: Any = None, written_by: str = "") -> Self:
        """A trace of a transcript: messages of any number of turns, with thoughts wherever they keep them.

        Known by their shape are the messages of chat completions (`reasoning_content`, `reasoning`,
        `reasoning_details`, markers such as <think> in the content), items of Responses, blocks of Anthropic and
        Bedrock, and the contents of Google. What a content begins with may be inside a thought, which the template
        opened; a thought that isn't closed goes on to the end. The trace is focused on the last turn's last thought.

        Args:
            messages: dicts with a role and a content, in order.
            model: in whose format the text is tokenised; what differs is said in `meta["notes"]`. Without one the
                tokens are words.
            written_by: the name of the model that wrote it, by which a summary is known from a thought.

        Raises:
            InputError: one of them is no message, two thoughts have one id, or the model's format can't hold them.
        """
        meta = {"model": written_by} if written_by else {}
        reader = FinalAnswer()
        return focusing.from_parts(cls, parts_of(messages, written_by), meta=meta, model=model, reader=reader)

    def __repr__(self) -> str:
        return display.line(self)

    def _repr_html_(self) -> str:
        return display.html(self)

    def focus(self, which: int | str, *, model: Any = None) -> Self:
        """This trace with another of its thoughts as the one that is looked at, measured and edited.

        What stands before it is the prompt, what follows in the same turn the answer. Of an edited trace, it is the
        focus in the trace as it was read.

        Args:
            which: its place among `trace.thoughts`, from 0 (negative from the end), or its id.
            model: in whose format the text is tokenised; by default the one that the trace was read with, if any.

        Raises:
            InputError: there is no such thought, or the model's format can't hold it.
        """
        return focusing.focus(self, which, model)

    def truncate(self, at: int | Span | str) -> Self:
        """The trace up to token `at` of the thought, a span, or a text that it says once; the answer goes too.

        Raises:
            InputError: `at` is outside the thought.
        """
        return editing.truncate(self, at)

    def replace(self, span: Place, text: NewText) -> Self:
        """The trace with other text in place of a span of its thought.

        Args:
            span: a Span of this trace, (start, end) characters of its text, or a text that the thought says once
                ("44"). A sentence, paragraph or step is replaced without the whitespace around it.
            text: the new text; token ids (then the span must begin and end where tokens do) are taken as they are.
                In place of latents, vectors [n, d_model], as `latents` has them.

        Raises:
            InputError: the span is outside the thought, the trace has no codec, or words would stand among latents.
        """
        return editing.replace(self, span, text)

    def delete(self, span: Place) -> Self:
        """The trace without a span of its thought.

        A sentence, paragraph or step goes with the whitespace among its tokens, unless its neighbours would then touch.

        Raises:
            InputError: the span is outside the thought, or the trace has no codec.
        """
        return editing.delete(self, span)

    def insert(self, at: int | Place, text: NewText) -> Self:
        """The trace with more text before token `at` of its thought, or before a span.

        Args:
            at: token index from the thought's first to just after its last, a Span, (start, end) characters, or a text
                that the thought says once.
            text: the new text, token ids to be taken as they are, or vectors [n, d_model] for latents.

        Raises:
            InputError: `at` is outside the thought, the trace has no codec, or words would stand among latents.
        """
        return editing.insert(self, at, text)

    def save(self, path: PathLike) -> None:
        """Write the trace and its parents to one JSON file; the codec and readers made of functions are left out.

        Raises:
            InputError: the file can't be written, or `meta` holds something that JSON can't.
        """
        storage.save(self, path)

    @classmethod
    def load(cls, path: PathLike, *, model: Any = None) -> Self:
        """A trace that `save` wrote.

        Args:
            model: gives the trace its tokenizer, so that it can be edited.

        Raises:
            InputError: the file is missing, damaged or something else, or the model's tokenizer isn't the trace's.
        """
        return storage.load(cls, path, model)

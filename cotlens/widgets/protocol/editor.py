"""The traits and messages of the chain-of-thought editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from cotlens.widgets.protocol.shared import Piece, ScaleMeaning

Unit = Literal["token", "sentence", "paragraph", "span", "group", "thought", "latent"]
PartKind = Literal["system", "user", "thought", "answer", "tool_call", "tool_result"]
PartPlace = Literal["before", "focus", "answer", "after"]
LatentEffect = Literal["total", "direct"]
"""Whether the latents after those that are moved are thought anew, or held at what they were."""
Span = tuple[int, int]
"""Characters start..end."""


class Head(TypedDict):
    """The model, where it runs, and what is to be known of its scores."""

    model: str
    where: str
    note: str
    off: NotRequired[str]
    """Why nothing that needs a model can be done, where there is none."""
    measured: NotRequired[bool]
    """What was measured can be chosen all the same: of a page that was saved with it."""


class PartInfo(TypedDict):
    """A part of a trace that came from elsewhere, in the order in which it was read."""

    kind: PartKind
    turn: int
    place: PartPlace
    """Where it stands to the thought that is looked at; "answer" is what follows in its turn."""
    start: int
    end: int
    """Characters of the document's text; both -1 where that doesn't hold it."""
    text: str
    """"" where the document's text holds it."""
    thought: int | None
    """Its number among the thoughts."""
    status: str
    reason: str
    """Why nothing can be measured on it, "" where it can."""


class Limits(TypedDict):
    """Of every action that lets the model write."""

    max_new_tokens: int
    temperature: float


class Loading(TypedDict):
    """A model that is being loaded since then, in seconds of the epoch."""

    active: bool
    label: str
    since: float


class UnitOffer(TypedDict):
    """A unit of a measure; with the reason why it can't be had."""

    id: Unit
    label: str
    reason: str | None


class MetricOffer(TypedDict):
    """A metric of a measure."""

    id: str
    label: str


class Offer(TypedDict):
    """What a measure costs on the shown trace, or the reason why it can't be had."""

    available: bool
    reason: str | None
    cost: str | None
    asks: bool
    """It takes long, so it waits until its cost was seen."""


class Measure(Offer):
    """An entry of the menu."""

    id: str
    label: str
    group: str
    question: str
    units: list[UnitOffer]
    unit: Unit
    """What choosing it would show."""
    metrics: list[MetricOffer]
    draws: list[int]
    """Rollouts from each place to choose from; none where nothing is sampled."""


class Reader(TypedDict):
    """A reader of answers, with what it looks for."""

    name: str
    seeks: str
    current: bool


class Selection(TypedDict):
    """What was chosen. `n` is 0 where nothing is sampled; the target "" is the trace's own answer."""

    measure: str | None
    unit: Unit
    metric: str | None
    n: int
    spans: list[Span]
    target: str


class Found(TypedDict):
    """A passage that a monitor found in a document."""

    document: str
    start: int
    end: int
    """Characters of the document's text."""
    monitor: str
    category: str
    severity: int
    """0 to 3."""
    guess: bool
    """Whether something like the quote stands there, and not the quote."""
    rationale: str


class Place(TypedDict):
    """A token to pick with its sentence and to bring into view; `asked` counts, so that one can be asked twice."""

    document: str
    token: int
    asked: int


class Unread(TypedDict):
    """Answers that were read of the rollouts that came, with advice where hardly any can be."""

    read: int
    of: int
    advice: str


class Shading(ScaleMeaning):
    """What the colours mean. Scales are the largest effects: of this branch, and of all `branches` measured alike."""

    measure: str
    unit: Unit
    label: str
    scale: float
    scale_all: float
    branches: int
    complete: bool
    metric_words: str
    unread: Unread | None
    """None where no rollouts were drawn."""


class WholeRow(TypedDict):
    """One figure of the whole thought; None where it was not measured, and then `status` says why."""

    words: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    status: str
    control: bool
    """What the others have to be read beside."""


class Whole(TypedDict):
    """What is told of the whole thought, so that nothing in it is shaded."""

    label: str
    question: str
    scale_unit: str
    edit_type: str
    complete: bool
    rows: list[WholeRow]


class InsidePart(TypedDict):
    """What is read at one place under a sentence."""

    where: str
    """After which layers, "0-2"; "" where there is but one."""
    words: str
    value: str
    """How sure, in figures; "" where that isn't known."""
    clear: bool
    """Whether it rises above the floor."""


class InsideRow(TypedDict):
    """What is read inside the model at the end of a sentence; in words for who hears it."""

    sentence: int
    parts: list[InsidePart]
    cut: bool
    """Shallower layers are left out of the parts."""
    said: str


class Inside(TypedDict):
    """Readings of a lens or a probe under the sentences, in place of a shading."""

    label: str
    note: str
    """What the floor is."""
    rows: list[InsideRow]


class Fact(TypedDict):
    """One fact of every row, "" where a row has none."""

    name: str
    words: list[str]


class Strip(TypedDict):
    """The curve over the text: which answers it follows, the index of the target among them."""

    answers: list[str]
    positions: Literal["tokens"]
    target: int | None
    complete: bool
    sparse: NotRequired[bool]
    """Some of it lies between what was measured."""


class ArmCounts(TypedDict):
    """How many rollouts are done, how many of them gave no answer, and how many were cut off."""

    done: int
    unread: int
    cut: int
    forced: int
    """How many were asked for their answer, as they gave none."""


class ArmsCounts(TypedDict):
    """With the edit (after) and without (before)."""

    before: NotRequired[ArmCounts]
    after: NotRequired[ArmCounts]


class Share(TypedDict):
    """A count as a share of the answers that could be read; None where none could."""

    count: int
    p: float | None
    low: float | None
    high: float | None


class ResampledRow(TypedDict):
    """How often one answer came."""

    answer: str
    before: NotRequired[Share]
    after: NotRequired[Share]


class Resampled(TypedDict):
    """What a branch answered when it was written again n times."""

    n: int
    arms: ArmsCounts
    advice: str
    """Why nothing can be read, "" where something is."""
    rows: list[ResampledRow]


Stream = Piece


class Alternative(TypedDict):
    """What the model considered in the place of a token."""

    token_id: int
    text: str
    logprob: float | None
    chosen: bool


class Inspection(TypedDict):
    """The reply to "inspect"."""

    token: int
    text: str
    role: str | None
    sentence: int | None
    logprob: float | None
    alternatives: list[Alternative]
    rewritten: bool


REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "inspect": {"document": str, "token": int},
    "branch": {"document": str, "token": int, "token_id": int},
    "truncate": {"document": str, "token": int},
    "edit": {"document": str, "start": int, "end": int, "text": str},
    "rerun": {"document": str, "token": int},
    "measure": {
        "document": str, "measure": str, "unit": Unit, "metric": NotRequired[str | None], "n": NotRequired[int],
        "spans": NotRequired[list[Span] | None], "target": NotRequired[str], "confirmed": NotRequired[bool],
    },
    "goto": {"branch": str},
    "undo": {},
    "redo": {},
    "focus": {"thought": int},
    "reader": {"reader": str},
    "cancel": {"job": NotRequired[int | None]},
    "count": {"text": str},
    "limits": {"max_new_tokens": int, "temperature": float},
    "stream": {"of": int},
    "resample": {"document": str, "n": int, "force": NotRequired[bool]},
    "move": {"document": str, "token": int, "places": list[float], "effect": LatentEffect, "donor": str},
    "put": {"document": str, "token": int, "places": list[float], "effect": LatentEffect, "donor": str},
    "take_out": {"document": str, "token": int, "last": int},
}  # fmt: skip
"""Kind of request -> its fields; `request_id` is added when one is sent. Those about a text carry the id of the
document that they were made on: another may be shown by the time they arrive. Of a "measure", `spans` are chosen anew
unless None, and `confirmed` starts what takes long. Of a "resample", `force` asks for the
answers that are missing. "move" asks what would be answered with the latents from `token` on at some `places`, one
each, from -1 (the mean) over 0 (their own) to 1 (those of the thought `donor`); "put" makes a branch of that, and
"take_out" of the thought without the latents token..last."""

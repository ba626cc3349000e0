"""What several widgets have: a text with its places, branches, scores, jobs, and text that is being written."""

from __future__ import annotations

from typing import Literal, Never, NotRequired, TypedDict

Empty = dict[str, Never]
"""{} stands for what is absent: a trait that holds a dict can't be None."""

Role = Literal["prompt", "thought", "answer"]


class RoleSpan(TypedDict):
    """Characters start..end."""

    role: Role
    start: int
    end: int
    tokens: NotRequired[tuple[int, int]]
    """Tokens first..last of a trace with latents, whose tokens have no characters to tell them by."""


class Sentence(TypedDict):
    """Characters start..end and tokens first..last."""

    start: int
    end: int
    first: int
    last: int


class EditInfo(TypedDict):
    """An edit. Characters at..end of its document hold the new text; `tokens` is how many it has."""

    kind: Literal["truncate", "replace", "delete", "insert"]
    at: int
    end: int
    old: str
    new: str
    surprise: float | None
    surprise_was: float | None
    tokens: int


class TraceText(TypedDict):
    """The text of a trace with its places."""

    id: str
    text: str
    roles: list[RoleSpan]
    n_tokens: int
    sentences: list[Sentence]
    rewritten_from: int | None
    rerun_at: NotRequired[int | None]
    """The token from which a rerun would go on; what follows an edit that was not rerun is of the text before it."""
    finish: str


class TraceDocument(TraceText):
    """A trace as the editor and the feature table show it."""

    edit: EditInfo | None
    thought_closed: bool
    notes: list[str]


BranchKind = Literal[
    "original", "truncate", "replace", "delete", "insert", "rerun", "resample", "clamp", "steer", "patch"
]  # fmt: skip
"""What was done to a branch's parent to make it."""


class BranchInfo(TypedDict):
    """One branch of the tree."""

    id: str
    parent: str | None
    label: str
    answer: str | None
    p: float | None
    current: bool
    awaits_rerun: NotRequired[bool]
    """It was edited, and the model has not gone on from the edit: it has no answer of its own."""


class AnswerChance(TypedDict):
    """An answer and its probability."""

    answer: str | None
    p: float | None


class BeforeAfter(TypedDict):
    """Probabilities of one answer."""

    answer: str
    before: float | None
    after: float | None


class Change(TypedDict):
    """One run of a difference of two texts."""

    op: Literal["same", "del", "ins"]
    text: str


class Comparison(TypedDict):
    """The answers before and after; what they are answers to is said in `note`."""

    before: AnswerChance
    after: AnswerChance
    rows: list[BeforeAfter]
    diff: list[Change]
    surprise: float | None
    surprise_was: float | None
    warning: str | None
    note: str


Kind = Literal["exact", "computed", "sampled"]
"""What intervals are of: none are needed, the error of a computation, or sampling."""


class ScaleMeaning(TypedDict):
    """What the two ends of a scale and its middle stand for, and what its numbers are evidence of."""

    sign: str
    zero: str
    scale_unit: str
    signed: bool
    kind: Kind
    edit_type: str


class Meaning(ScaleMeaning):
    """What the numbers of a result mean, in words."""

    label: str
    metric: str
    unit: str
    model: str
    backend: str
    settings: list[tuple[str, str, str]]
    """Name, value, and what it means where the name alone does not say."""


class Estimates(Meaning):
    """A result as a view draws it: an entry per unit or per pair, colours from `base` to `scale`."""

    base: float
    scale: float
    estimate: bytes
    low: bytes
    high: bytes
    n: bytes
    certainty: bytes
    """Codes of `cotlens.results.certainty`, Uint8; of pairs 1 + the code, 0 where the result has no such pair."""
    status: dict[str, str]


class Lock(TypedDict):
    """A scale that is held, for everything that is measured in this unit; linked widgets share it."""

    unit: str
    scale: float


class Selected(TypedDict):
    """What is picked, for all widgets that are linked: parts that nobody picked are missing. `span` are tokens."""

    trace: NotRequired[str]
    span: NotRequired[tuple[int, int]]
    unit: NotRequired[str]
    latent: NotRequired[int]
    layer: NotRequired[int]
    findings: NotRequired[list[str]]


class Beside(TypedDict):
    """A number that stands beside each estimate, Float32: a control, a floor, a rank."""

    name: str
    numbers: bytes


class GridPanel(TypedDict):
    """One run of a grid, or the difference of two: its columns are those of every panel of the level.

    Numbers stand row by row: cell (row, column) at row * columns + column. Colours begin at `base`.
    """

    name: str
    note: str
    trace: str
    difference: bool
    signed: bool
    base: float
    texts: list[str]
    first: bytes
    last: bytes
    """Tokens first..last of each column, Uint32; equal ones where this run has no such column."""
    estimate: bytes
    code: bytes
    """Uint8: 0 no such cell, 1 measured, 2 not measured, 3 below the floor, 4 without influence."""
    reason: bytes
    """Uint8, of each cell the number in `reasons`."""
    leading: bytes
    """Uint32, of each cell the number in `words` of the token that leads there; empty where nothing is said of it."""
    beside: list[Beside]


class GridLevel(TypedDict):
    """What a grid shows at once: all columns, or those that a column of the level before consists of."""

    unit: str
    parents: bytes
    """Uint32, of each column that of the level before; empty in the first."""
    panels: list[GridPanel]


class Grid(Meaning):
    """Layers as rows, the last one first, and places of a text as columns, in runs below each other.

    All colours reach as far as from `base` to `scale`; those of a panel begin at its own base.
    """

    base: float
    scale: float
    row: Literal["layer", "head"]
    """What a row is: one of the layers, or one of the heads of a layer."""
    rows: list[str]
    row_words: list[str]
    cone: Literal["reads", "reaches"]
    """Whether a cell is made of what stands before and below it, or acts on what stands behind and above it."""
    folded: str
    """How a column follows from the tokens below it, "" where it was measured by itself."""
    floor: str
    """What "below the floor" means."""
    levels: list[GridLevel]
    words: list[str]
    reasons: list[str]


JobState = Literal["idle", "queued", "running", "done", "cancelled", "error"]


class Job(TypedDict):
    """Work that goes on, or how the last ended; `eta` in seconds. The id is None before there was any."""

    id: int | None
    state: JobState
    label: str
    done: int
    total: int | None
    eta: float | None
    message: str | None
    remedy: str | None


Piece = TypedDict(
    "Piece", {"id": int, "source": str, "from": int, "at": int, "text": str, "tokens": int, "limit": int}
)  # fmt: skip
"""A piece of what is being written after character `from` of the document `source`: it stands `at` so many units after
that. `tokens` of at most `limit` are written. As the reply to a request for the stream it is all of it so far."""


class Failure(TypedDict):
    """Why a request failed, and what to do."""

    message: str
    remedy: str | None


class Envelope(TypedDict):
    """A reply to a request without what it holds: "progress" is followed by another one."""

    request_id: int
    kind: Literal["reply"]
    status: Literal["ok", "error", "progress", "cancelled"]
    error: NotRequired[Failure]


class LatentChip(TypedDict):
    """A latent: what the output embedding reads there, its entropy in nats; None where that isn't known."""

    token: int
    text: str | None
    p: float | None
    entropy: float | None
    norm: float | None


class LatentDonor(TypedDict):
    """Another thought, whose latents may stand in place of these; with the reason why they can't."""

    id: str
    label: str
    reason: str | None


class LatentStrip(TypedDict):
    """The latents of a thought, in order."""

    chips: list[LatentChip]
    parts: list[str]
    """What the latents of one change are to say; none where that isn't known."""
    mean: str
    """What the mean that a latent is moved to is the mean of."""
    donors: list[LatentDonor]
    put: tuple[int, int] | None
    """Tokens whose latents were put there by an edit."""
    anew: int | None
    """The token from which the latents were thought again."""
    note: str
    """Why nothing is read."""
    off: str
    """Why no latent can be moved, "" where they can be."""


class LatentControl(TypedDict):
    """The same done to a model of the same shape that hands nothing on; `why` it couldn't be, else ""."""

    name: str
    reads: str
    """What the lens reads at these latents there."""
    answer: str
    was: float | None
    now: float | None
    why: str


class MovedLatents(TypedDict):
    """What is answered with some latents moved: log-odds of the answer to its best rival, nats, and probabilities."""

    document: str
    token: int
    places: list[float]
    effect: Literal["total", "direct"]
    donor: str
    norms: list[float]
    answer: str
    was: float
    now: float
    floor: float
    """How far `was` moves when each of these latents is replaced by itself."""
    rows: list[BeforeAfter]
    cost: str
    control: LatentControl | None
    """None while it isn't known, and where there is none."""

"""From a request for text to traces: settings are checked, samples written, and kept on any error."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import BackendError, Cancelled, CotLensError, InputError
from cotlens.models.chat_formats.format import Format
from cotlens.models.chat_formats.markers import KnownSegments
from cotlens.models.contract import OnToken
from cotlens.models.contract.feedback import Floats
from cotlens.models.contract.interventions import Intervention, Patch
from cotlens.models.contract.latents import Begun, LatentFormat
from cotlens.models.contract.validation import check_ids
from cotlens.models.generation.samples import OpenRollout, Sample
from cotlens.models.generation.sampling import Sampling
from cotlens.models.generation.traces import Measured, begin_of, build, known_at, prompt_of, text_before
from cotlens.models.model_config import Defaults
from cotlens.trace import Span, Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.collection.traces import Traces

MOST_NEW = 4096  # tokens, unless asked for more or fewer
MOST_SAMPLES = 10**6  # of one prompt in one call


class SampleWriter(Protocol):
    """Fills in samples; on an error they hold what was written so far. See `decoding.write`."""

    def __call__(
        self,
        prefix: Sequence[int],
        samples: list[Sample],
        sampling: Sampling,
        stop_ids: frozenset[int],
        *,
        unknown: Sequence[int] = (),
        interventions: Sequence[Intervention] = (),
        on_token: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write on after `prefix`."""
        ...


RolloutWriter = Callable[[Sequence[OpenRollout], frozenset[int], Callable[[list[OpenRollout]], None]], None]
"""Writes many rollouts of many prefixes together and tells of those that have ended; see `batched_decoding.roll`."""


@dataclass(frozen=True)
class GenerationContext:
    """Who writes: the model's parts, what is said about it in `meta`, how it is sampled by default.

    Args:
        context: the most tokens in a sequence.
        vocabulary: how many token ids there are.
        samples, rolls: how tokens come; without `rolls`, rollouts are written one prefix after the other.
        identity: all that is known of what decides the model's texts beside settings, "" where it can't be known: then
            no rollout is kept.
        latent_format, latents: of a model that thinks in latents, how, and what gives those that follow some texts.
    """

    form: Format
    reader: AnswerReader
    about: Mapping[str, Any]
    defaults: Defaults
    context: int
    vocabulary: int
    samples: SampleWriter
    rolls: RolloutWriter | None = None
    identity: str = ""
    latent_format: LatentFormat | None = None
    latents: Callable[[Sequence[Begun]], list[Floats]] | None = None


@dataclass(frozen=True)
class TextRequest:
    """What the caller asked for; see `Model.reason`."""

    n: int
    seed: int
    max_new_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    interventions: tuple[Intervention, ...]
    on_token: OnToken | None = None

    def __post_init__(self) -> None:
        check.whole("n", self.n, 1, MOST_SAMPLES)
        check.seed(self.seed)
        if self.on_token is not None and not callable(self.on_token):
            raise InputError(f"on_token={self.on_token!r} can't be called: give a function of (token index, text).")
        check.sampling(self)


@dataclass(frozen=True)
class WritingJob:
    """What is to be written on.

    Args:
        ids: the prefix.
        prompt, begin, known: as in `traces.build`.
        meta: added to the trace's.
        parts: parent, edit and rewritten_from of the new trace.
        source: the trace whose measurements of the first `kept` tokens hold.
        latent_tokens, latents: places [k] and vectors [k, d_model] of the latents among `ids`.
        ahead: how many more latents are thought before words are written.
    """

    ids: list[int]
    prompt: Span
    begin: int
    known: KnownSegments | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    source: Trace | None = None
    kept: int = 0
    latent_tokens: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    latents: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    ahead: int = 0


def resuming(form: Format, trace: Trace, at: int | None, close_thought: bool, latents: int | None = None) -> WritingJob:
    """The job of going on from token `at` of a trace.

    Args:
        latents: how many are thought there; by default as many as the trace has from there on.

    Raises:
        InputError: `at` is in the prompt or beyond the trace, the trace is at its end already, the thought that should
            be closed isn't open there, or latents would stand outside the thought.
    """
    start = trace.resume_at if at is None else check.whole("at", at)
    prompt, known = prompt_of(trace), known_at(trace, start)
    begin, n = begin_of(trace), len(trace.token_ids)
    if not max(1, begin) <= start <= n:
        raise InputError(
            f"The model can't go on from token {start}: choose {max(1, begin)} (after the prompt) to {n} (the end)."
        )
    ids = list(trace.token_ids[:start])
    if ids[-1] in form.stop_ids:
        raise InputError("The model ended its turn there; give at=<an earlier token>, or edit the thought first.")
    if close_thought:
        found = form.segment(ids, prompt.end, begin, known=known)
        if not form.plain and (found.thought is None or found.closed):
            raise InputError(
                f"No thought is open before token {start}, so none can be closed; choose a token of the thought."
            )
        ids += form.closing(text_before(trace, start))
    # Behind its new text an edit goes on as the same edit; from anywhere else it is a trace like others, and a parent.
    edited = trace.edit is not None and trace.rewritten_from is None and start >= trace.edit.end_token
    parts = {
        "parent": trace.parent if edited else trace,
        "edit": trace.edit if edited else None,
        "rewritten_from": start,
    }
    kept = int(np.searchsorted(trace.latent_tokens, start))
    ahead = 0 if close_thought else len(trace.latents) - kept if latents is None else check.whole("latents", latents, 0)
    thought = trace.roles.get("thought")
    if ahead and not (thought is not None and thought.start <= start <= thought.end):
        raise InputError(f"Token {start} is outside the thought, so no latents can be thought there.")
    own = trace.latent_tokens[:kept], trace.latents[:kept], ahead
    return WritingJob(ids, prompt, begin, known, _inherited(trace), parts, trace, start, *own)


def _inherited(trace: Trace) -> dict[str, Any]:
    return {key: trace.meta[key] for key in ("prefill", "messages") if key in trace.meta}


def thought(
    setting: GenerationContext, jobs: Sequence[WritingJob], interventions: Sequence[Intervention] = ()
) -> list[WritingJob]:
    """Jobs of which the latents that are ahead have been thought, all of them side by side.

    Raises:
        InputError: the context has no room for them, or something would be changed inside meanwhile.
    """
    form, think = setting.latent_format, setting.latents
    if form is None or think is None:
        return list(jobs)
    for job in jobs:
        if job.ahead and interventions:
            raise InputError(
                f"Interventions act while words are written, and {job.ahead} latents come before; think them first, "
                "and give interventions= when the trace is resumed behind them."
            )
        if len(job.ids) + job.ahead >= setting.context:
            raise InputError(
                f"{job.ahead} latents after {len(job.ids)} tokens don't fit into the model's context of "
                f"{setting.context}; shorten the prompt, or give fewer."
            )
    begun = [Begun(job.ids, job.latent_tokens, form.inputs(job.latents), job.ahead) for job in jobs]
    return [_with_latents(form, job, found) for job, found in zip(jobs, think(begun), strict=True)]


def _with_latents(form: LatentFormat, job: WritingJob, found: Floats) -> WritingJob:
    places = np.concatenate([job.latent_tokens, np.arange(len(job.ids), len(job.ids) + len(found))])
    ids = [*job.ids, *[form.token] * len(found)]
    closing = form.closing if ids[-1] == form.token or job.ahead else ()
    latents = np.concatenate([job.latents.reshape(-1, found.shape[1]), found])
    return replace(job, ids=[*ids, *closing], latent_tokens=places, latents=latents, ahead=0)


def inputs_of(setting: GenerationContext, job: WritingJob) -> tuple[Intervention, ...]:
    """What the latents of a job are to the model."""
    form = setting.latent_format
    if form is None or not len(job.latent_tokens):
        return ()
    return (Patch(0, tuple(job.latent_tokens.tolist()), form.inputs(job.latents), site="embed"),)


def write(setting: GenerationContext, job: WritingJob, request: TextRequest) -> Any:
    """Write n samples; a Trace for n=1, else Traces.

    Raises:
        CotLensError: as in the contract; `error.partial` holds what was written so far in the same shape.
    """
    (job,) = thought(setting, [job], request.interventions)
    sampling = sampling_of(setting, job, request)
    samples = [Sample(index) for index in range(request.n)]
    tell = None if request.on_token is None else _text_callback(setting.form, request.on_token)
    try:
        setting.samples(
            job.ids,
            samples,
            sampling,
            setting.form.stop_ids,
            unknown=_unknown(job),
            interventions=(*inputs_of(setting, job), *request.interventions),
            on_token=tell,
        )
    except CotLensError as error:
        broken = "cancelled" if isinstance(error, Cancelled) else "error"
        traces = [_trace(setting, job, request, sampling, sample, broken) for sample in samples]
        if isinstance(error, (Cancelled, BackendError)):
            error.partial = traces[0] if request.n == 1 else Traces(traces)  # type: ignore[union-attr]
        raise
    traces = [_trace(setting, job, request, sampling, sample, "") for sample in samples]
    return traces[0] if request.n == 1 else Traces(traces)


def sampling_of(setting: GenerationContext, job: WritingJob, request: TextRequest) -> Sampling:
    """How a job is sampled: request, the model's defaults, and what the context leaves room for.

    Raises:
        InputError: a setting is out of range, or the context is full.
    """
    check_ids(setting.vocabulary, job.ids, "prompt")
    context = setting.context
    room = context - len(job.ids)
    if room < 1:
        raise InputError(
            f"The text so far has {len(job.ids)} tokens and the model's context holds {context}; "
            "shorten the prompt or the thought."
        )
    most = min(room, MOST_NEW) if request.max_new_tokens is None else min(room, request.max_new_tokens)
    defaults = setting.defaults
    return Sampling(
        request.seed,
        most,
        defaults.temperature if request.temperature is None else request.temperature,
        defaults.top_p if request.top_p is None else request.top_p,
        defaults.top_k if request.top_k is None else request.top_k,
    )


def _unknown(job: WritingJob) -> list[int]:
    """Tokens after the template without a measurement: the text of an edit, a prefill, a closed thought."""
    known = np.full(len(job.ids), np.nan, np.float32)
    if job.source is not None:
        known[: job.kept] = job.source.logprobs[: job.kept]
    known[job.latent_tokens] = 0.0  # they are no words, so no word's probability is theirs
    return [at for at in np.flatnonzero(np.isnan(known)).tolist() if at >= max(1, job.begin)]


def _trace(
    setting: GenerationContext, job: WritingJob, request: TextRequest, sampling: Sampling, sample: Sample, broken: str
) -> Trace:
    ids = [*job.ids, *sample.ids]
    table = Measured(len(ids)) if job.source is None else Measured.of(job.source, job.kept, len(ids))
    table.put(sample.notes)
    meta = described(setting, job, request, sampling, sample.index, sample.finish or broken or "length")
    fields = table.fields(setting.form.codec)
    parts = {"known": job.known, **fields, **latent_parts(job), **job.parts}
    return build(setting.form, setting.reader, ids, job.prompt, job.begin, meta, **parts)


def latent_parts(job: WritingJob) -> dict[str, Any]:
    """The latents of a job as fields of a trace."""
    return {"latents": job.latents, "latent_tokens": job.latent_tokens}


def described(
    setting: GenerationContext, job: WritingJob, request: TextRequest, sampling: Sampling, index: int, finish: str
) -> dict[str, Any]:
    """What a trace says of how it was written."""
    meta = {
        **job.meta,
        **setting.about,
        "seed": int(request.seed),
        "sample": index,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_new_tokens": sampling.max_new_tokens,
        "finish": finish,
    }
    notes = [*job.meta.get("notes", ()), *setting.about.get("notes", ()), *setting.defaults.notes()]
    if notes:
        meta["notes"] = notes
    if request.interventions:
        meta["interventions"] = [type(item).__name__ for item in request.interventions]
        meta["intervention_fingerprints"] = [item.fingerprint for item in request.interventions]
    return meta


def _text_callback(form: Format, on_token: OnToken) -> Callable[[int, int], None]:
    """Turns ids into text as they come; a character split over tokens comes with the last of them."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def tell(at: int, token: int) -> None:
        on_token(at, decoder.decode(form.codec.pieces([token])[0]))

    return tell

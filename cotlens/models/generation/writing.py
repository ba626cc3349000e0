"""From a request for text to traces: settings are checked, samples written, and kept on any error."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import BackendError, Cancelled, CotLensError, InputError
from cotlens.models.chat_formats.format import Format
from cotlens.models.contract import OnToken
from cotlens.models.contract.feedback import Floats
from cotlens.models.contract.interventions import Intervention, Patch
from cotlens.models.contract.latents import Begun, LatentFormat
from cotlens.models.contract.validation import check_ids
from cotlens.models.generation.jobs import WritingJob
from cotlens.models.generation.samples import OpenRollout, Sample
from cotlens.models.generation.sampling import Sampling
from cotlens.models.generation.traces import Measured, build
from cotlens.models.model_config import Defaults
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.collection.traces import Traces
from cotlens.trace.notes import WENT_ON, another_number
from cotlens.trace.prompts import which_prompt

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
        measures: whether `rolls` notes what it measures, so that prompts can be answered together, too.
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
    measures: bool = False
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


def thought(
    setting: GenerationContext,
    jobs: Sequence[WritingJob],
    interventions: Sequence[Intervention] = (),
    prompts: int | None = None,
) -> list[WritingJob]:
    """Jobs of which the latents that are ahead have been thought, all of them side by side.

    Args:
        prompts: of how many prompts that were given as a list the jobs are; None where they aren't.

    Raises:
        InputError: the context has no room for them, or something would be changed inside meanwhile.
    """
    form, think = setting.latent_format, setting.latents
    if form is None or think is None:
        return list(jobs)
    for place, job in enumerate(jobs):
        if job.ahead and interventions:
            raise InputError(
                f"Interventions act while words are written, and {job.ahead} latents come before; think them first, "
                "and give interventions= when the trace is resumed behind them."
            )
        with which_prompt(place, prompts):
            _check_room(setting, job)
    begun = [Begun(job.ids, job.latent_tokens, form.inputs(job.latents), job.ahead) for job in jobs]
    return [_with_latents(form, job, found) for job, found in zip(jobs, think(begun), strict=True)]


def _check_room(setting: GenerationContext, job: WritingJob) -> None:
    if len(job.ids) + job.ahead >= setting.context:
        raise InputError(
            f"{job.ahead} latents after {len(job.ids)} tokens don't fit into the model's context of "
            f"{setting.context}; shorten the prompt, or give fewer."
        )


def _with_latents(form: LatentFormat, job: WritingJob, found: Floats) -> WritingJob:
    places = np.concatenate([job.latent_tokens, np.arange(len(job.ids), len(job.ids) + len(found))])
    ids = [*job.ids, *[form.token] * len(found)]
    closing = form.closing if ids[-1] == form.token or job.ahead else ()
    latents = np.concatenate([job.latents.reshape(-1, found.shape[1]), found])
    notes = list(job.meta.get("notes", ()))
    if len(latents) < job.stopped and not closing:
        notes.append(WENT_ON)
    if job.ahead and not form.trained_with(len(latents)):  # `reason` refuses it; to go on so is an intervention
        notes.append(another_number(len(latents), form.trained))
    meta = {**job.meta, "notes": notes} if notes else job.meta
    return replace(job, ids=[*ids, *closing], latent_tokens=places, latents=latents, ahead=0, meta=meta)


def inputs_of(setting: GenerationContext, job: WritingJob) -> tuple[Patch, ...]:
    """What the latents of a job are to the model."""
    form = setting.latent_format
    if form is None or not len(job.latent_tokens):
        return ()
    return (Patch(0, tuple(job.latent_tokens.tolist()), form.inputs(job.latents), site="embed"),)


@dataclass(frozen=True)
class _Answers:
    """A job, and the samples of it that are written."""

    job: WritingJob
    sampling: Sampling
    samples: list[Sample]


def write(setting: GenerationContext, jobs: WritingJob | Sequence[WritingJob], request: TextRequest) -> Any:
    """Write n samples of a job: a Trace for n=1, else Traces. Of several jobs Traces, n of each in their order.

    Several are written together where the backend can do that, and nobody listens or changes anything inside.

    Raises:
        CotLensError: as in the contract; `error.partial` holds what was written so far in the same shape.
    """
    listed, prompts = ([jobs], None) if isinstance(jobs, WritingJob) else (list(jobs), len(jobs))
    begun = thought(setting, listed, request.interventions, prompts)
    together = len(begun) > 1 and setting.measures and request.on_token is None and not request.interventions
    asked = []
    for place, job in enumerate(begun):
        with which_prompt(place, prompts):
            asked.append(_answers(setting, job, request, place if together else None))

    def traces(broken: str = "") -> Any:
        found = [
            _trace(setting, one.job, request, one.sampling, sample, broken) for one in asked for sample in one.samples
        ]
        return found[0] if isinstance(jobs, WritingJob) and request.n == 1 else Traces(found)

    try:
        if together:
            _write_together(setting, asked)
        else:
            for one in asked:
                _write_alone(setting, one, request)
    except CotLensError as error:
        if isinstance(error, (Cancelled, BackendError)):
            error.partial = traces("cancelled" if isinstance(error, Cancelled) else "error")  # type: ignore[union-attr]
        raise
    return traces()


def _answers(setting: GenerationContext, job: WritingJob, request: TextRequest, place: int | None) -> _Answers:
    """The samples of a job, to be written by themselves or (with its `place`) together with those of others."""
    sampling = sampling_of(setting, job, request)
    if place is None:
        return _Answers(job, sampling, [Sample(index) for index in range(request.n)])
    common: dict[str, Any] = {"text": tuple(job.ids), "at": len(job.ids), "start": place, "sampling": sampling}
    common |= {"measured": True, "unknown": _unknown(job), "latents": next(iter(inputs_of(setting, job)), None)}
    return _Answers(job, sampling, [OpenRollout(index, **common) for index in range(request.n)])


def _write_together(setting: GenerationContext, asked: Sequence[_Answers]) -> None:
    samples: list[Any] = [sample for one in asked for sample in one.samples]
    done = 0

    def take(ended: list[OpenRollout]) -> None:
        nonlocal done
        done += len(ended)
        control.current().report(done, len(samples), "writing")

    assert setting.rolls is not None, "what measures as it writes together writes together"
    setting.rolls(samples, setting.form.stop_ids, take)


def _write_alone(setting: GenerationContext, one: _Answers, request: TextRequest) -> None:
    setting.samples(
        one.job.ids,
        one.samples,
        one.sampling,
        setting.form.stop_ids,
        unknown=_unknown(one.job),
        interventions=(*inputs_of(setting, one.job), *request.interventions),
        on_token=None if request.on_token is None else _text_callback(setting.form, request.on_token),
    )


def sampling_of(setting: GenerationContext, job: WritingJob, request: TextRequest) -> Sampling:
    """How a job is sampled: request, the model's defaults, and what the context leaves room for.

    Raises:
        InputError: a setting is out of range, or the context is full.
    """
    form = setting.latent_format
    check_ids(setting.vocabulary, job.ids, "prompt", None if form is None else form.token)
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

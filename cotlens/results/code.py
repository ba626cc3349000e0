"""The Python that makes traces again, measures them, and opens what shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.results.provenance import Provenance
from cotlens.results.result import Result
from cotlens.trace import Trace

SAMPLING = ("temperature", "top_p", "top_k")
MOST = 100_000  # characters of texts that a script writes out
BY_OPTION = ("coconut", "codi", "soft")
"""Kinds of latents that a model thinks in because `load` was asked for them."""
AS_IT_IS = "# the text as it is; trace.meta says how it was written"
Usual = Mapping[str, Any] | None
"""How `model` samples unless asked otherwise, which needn't be said; None where no model is known."""


def script(*lines: str) -> str:
    """Lines of Python, with what they need."""
    copies = ["import dataclasses", ""] if any("dataclasses." in line for line in lines) else []
    return "\n".join([*copies, "import cotlens as cl", "", *lines])


def loading(trace: Trace) -> list[str]:
    """The line that loads the model whose tokens a trace has; none where they are words, or it isn't known."""
    name = trace.meta.get("model")
    return [f"model = {opening(name, trace.meta.get('latent'))}"] if name and not trace.given_parts else []


def opening(name: str, latent: str | None = None) -> str:
    """The call that loads a model by name, and how it thinks in latents where that has to be said."""
    return f"cl.load({name!r}, latent={latent!r})" if latent in BY_OPTION else f"cl.load({name!r})"


def making(trace: Trace, usual: Usual = None) -> list[str]:
    """The lines that make a trace with `model`, from what it was made from on.

    Where it can't be said how a text came about (the model went on after an edit, or was changed), they begin with it.
    """
    steps = trace.path()
    known = [at for at, each in enumerate(steps) if at == 0 or not _by_edit(each)]
    return [step(each, usual) for each in steps[known[-1] :]]


def step(trace: Trace, usual: Usual = None) -> str:
    """The line that makes a trace from the one that it was made from, where there is one."""
    if trace.parent is None:
        return _begun(trace, usual)
    return _edited(trace) if _by_edit(trace) else f"{AS_IT_IS}\n{_given(trace, usual)}"


def _by_edit(trace: Trace) -> bool:
    """Whether an edit alone made a trace from the one before it: words, and not what a model then wrote."""
    return trace.edit is not None and trace.awaits_rerun and not len(trace.latent_tokens)


def read_by(trace: Trace) -> list[str]:
    """The reader that its answer is read by, unless it is somebody's own function."""
    reader = trace.reader
    known = reader is not None and type(reader).__module__.startswith("cotlens.")
    return [f"trace = dataclasses.replace(trace, reader=cl.answers.{reader!r})"] if known else []


def _begun(trace: Trace, usual: Usual = None) -> str:
    """The line that makes a trace that was made from no other one."""
    meta = trace.meta
    if meta.get("finish", "given") == "given" or trace.given_parts:  # from elsewhere, so no model of here wrote it
        return _given(trace, usual)
    settings: dict[str, Any] = {"seed": int(meta.get("seed") or 0)}
    known = usual or {}
    settings |= {name: meta[name] for name in SAMPLING if meta.get(name, known.get(name)) != known.get(name)}
    if len(trace.latents):
        settings |= {"latents": len(trace.latents), "max_new_tokens": meta.get("max_new_tokens")}
    elif meta["finish"] != "stop":
        begin = trace.roles["thought"].start if "thought" in trace.roles else 0
        settings["max_new_tokens"] = len(trace.token_ids) - int(meta.get("begin", begin))
    if len(trace.latents):
        settings["latents"] = len(trace.latents)
    if meta.get("prefill"):
        settings["prefill"] = meta["prefill"]
    sample = int(meta.get("sample") or 0)
    written = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    many = f", n={sample + 1})[{sample}]" if sample else ")"
    return f"trace = model.reason({meta.get('messages', trace.prompt)!r}, {written}{many}"


def _given(trace: Trace, usual: Usual) -> str:
    """The line that makes a trace of its texts; of latents, which no text holds, the one that reads its file."""
    if len(trace.latents):
        why, file = "# a thought in latents, which no text holds: save it there", f"{trace.id}.trace"
        return f"{why}\ntrace = cl.Trace.load({file!r}, model=model)"
    answer = trace.answer if "answer" in trace.roles else None
    of = ", model=model" if usual is not None or trace.codec is not None or loading(trace) else ""
    prompt = trace.meta.get("messages", trace.prompt)
    return f"trace = cl.Trace.from_text({prompt!r}, {trace.thought!r}, {answer!r}{of})"


def _edited(trace: Trace) -> str:
    """The line that makes an edited trace from the one before it."""
    edit = trace.edit
    assert edit is not None
    place = f"({edit.start}, {edit.end})"
    made = {
        "truncate": f"truncate({edit.start_token})",
        "delete": f"delete({place})",
        "insert": f"insert({place}, {edit.new!r})",
        "replace": f"replace({place}, {edit.new!r})",
    }
    return f"trace = trace.{made[edit.kind]}"


def making_all(traces: Sequence[Trace]) -> list[str]:
    """The lines that make a list `traces`: one call where one has written all of them."""
    together = _together(traces)
    if together:
        return [together]
    lines = ["traces = []"]
    for trace in traces:
        lines += [*making(trace), "traces.append(trace)"]
    if sum(map(len, lines)) > MOST:
        return [f"# traces: the {len(traces):,} that are shown, as cl.read(path) reads them from where they were kept"]
    return lines


def _together(traces: Sequence[Trace]) -> str | None:
    """The call that has written all of them, None where they aren't the rollouts of one."""
    samples = [trace.meta.get("sample") for trace in traces]
    plain = all(trace.parent is None and trace.meta.get("finish") == "stop" for trace in traces)
    if len(traces) < 2 or not plain or samples != list(range(len(traces))):
        return None
    calls = {_begun(trace).partition(", n=")[0].removesuffix(")") for trace in traces}
    return f"{calls.pop().replace('trace', 'traces', 1)}, n={len(traces)})" if len(calls) == 1 else None


def showing(results: Sequence[Result], traces: Sequence[Trace], view: str) -> str:
    """A script.

    Args:
        traces: what the results were measured on, as far as it is known.
        view: the line that opens the view of `results`, and of `trace`, the last one.
    """
    known = {trace.id: trace for trace in traces}
    models = dict.fromkeys(one.provenance.model for one in results if one.provenance.model)
    return script(*(f"model = cl.load({name!r})" for name in models), *_lines(results, known), view)


def measured_on(name: str, results: Sequence[Result], traces: Sequence[Trace]) -> tuple[Trace, ...]:
    """The traces that a view was given with its results.

    Raises:
        InputError: one is no trace, or none of the results was measured on it.
    """
    ids = {one.provenance.trace_id for one in results}
    for trace in traces:
        if not isinstance(trace, Trace):
            raise InputError(f"{name} takes traces; a {type(trace).__name__} was given.")
        if "" not in ids and trace.id not in ids:
            raise InputError(f"None of these results was measured on the trace {trace.id!r}: give those that were.")
    return tuple(traces)


def _lines(results: Sequence[Result], known: Mapping[str, Trace]) -> Iterator[str]:
    yield "results = []"
    before = None
    for result in results:
        told = result.provenance
        if told.trace_id != before and told.call:
            yield from _measured(told, known)
            before = told.trace_id
        yield f"results.append({told.call})" if told.call else _elsewhere(result)


def _measured(told: Provenance, known: Mapping[str, Trace]) -> list[str]:
    """The lines that make what a result was measured on; a comment where that isn't known."""
    trace = known.get(told.trace_id)
    if trace is not None:
        return [*making(trace), *read_by(trace)]
    runs = "base, source: the two runs" if ".run(base" in told.call else f"trace: the one of the id {told.trace_id!r}"
    return [f"# {runs} that this was measured on; this view was not given it"]


def _elsewhere(result: Result) -> str:
    """What is said of a result that no line can measure again."""
    method = result.provenance.method or result.method
    return f"# {result!r}: made by {method} with the settings of its provenance; results.append(cl.load_result(path))"

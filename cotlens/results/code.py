"""The Python that makes traces again, measures them, and opens what shows them."""

from __future__ import annotations

import ast
import re
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
_TOKENISED = ("format", "begin", "revision")  # each is said only of a text that a model of here has read or written
_WEIGHTS = "weights:"


def script(*lines: str) -> str:
    """Lines of Python, with what they need."""
    copies = ["import dataclasses", ""] if any("dataclasses." in line for line in lines) else []
    return "\n".join([*copies, "import cotlens as cl", "", *lines])


def loading(trace: Trace) -> list[str]:
    """The line that loads the model whose tokens a trace has; none where they are words, or it isn't known."""
    return [f"model = {own}"] if (own := own_model(trace)) else []


def own_model(trace: Trace) -> str:
    """The call that loads the model whose tokens a trace has; "" where they are words, or it isn't known."""
    name = tokens_of(trace)
    latent = trace.meta.get("latent")
    return opening(name, **({"latent": latent} if latent in BY_OPTION else {})) if name else ""


def tokens_of(trace: Trace) -> str:
    """The name of the model whose tokens a trace has; "" where they are words, or it isn't known.

    Of what was read without a model, `meta` says only who is said to have written it.
    """
    read_in = trace.codec is not None or len(trace.latents) or any(word in trace.meta for word in _TOKENISED)
    return str(trace.meta.get("model") or "") if read_in else ""


def written_with(trace: Trace, model: str, revision: str) -> str:
    """What has a trace's tokens in a script whose `model` has that name and revision."""
    own = own_model(trace)
    return own if own and not same_model(trace.meta, model, revision) else "model"


def same_model(told: Mapping[str, Any], model: str, revision: str) -> bool:
    """Whether what `told` says (a trace's `meta`, a provenance) is of a model, as far as both say which it is.

    Args:
        model, revision: its own; of a mixed one with " + " between those of both.
    """
    name, marks = told.get("model"), {str(told.get(word)) for word in ("revision", "weights") if told.get(word)}
    known = set(revision.split(" + ")) - {""}
    if any(mark.startswith(_WEIGHTS) for mark in marks & known):
        return True  # by whatever name it was loaded
    comparable = any(_kind(mark) == _kind(each) for mark in marks for each in known)
    return name in (None, "", model, *model.split(" + ")) and (not comparable or bool(marks & known))


def _kind(mark: str) -> tuple[bool, int]:
    """What a revision can be compared with: a fingerprint with one as long, a name with a name."""
    return (True, len(mark)) if mark.startswith(_WEIGHTS) else (False, 0)


def opening(name: str, **options: Any) -> str:
    """The call that loads a model by name with what else has to be said."""
    return f"cl.load({', '.join([repr(name), *(f'{option}={value!r}' for option, value in options.items())])})"


def opening_of(model: Any) -> str:
    """The call that loads a model as it was loaded, as far as a literal can say how."""
    return opening(
        model.name, **{name: value for name, value in getattr(model, "asked", {}).items() if _literal(value)}
    )


def _literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (SyntaxError, ValueError):
        return False


def making(trace: Trace, usual: Usual = None, by: str = "model") -> list[str]:
    """The lines that make a trace with `model`, or what `by` says, from what it was made from on.

    Where it can't be said how a text came about (the model went on after an edit, or was changed), they begin with it.
    """
    steps = trace.path()
    known = [at for at, each in enumerate(steps) if at == 0 or not _by_edit(each)]
    return [step(each, usual, by) for each in steps[known[-1] :]]


def step(trace: Trace, usual: Usual = None, by: str = "model") -> str:
    """The line that makes a trace from the one that it was made from, where there is one."""
    if trace.parent is None:
        return _begun(trace, usual, by)
    return _edited(trace) if _by_edit(trace) else f"{AS_IT_IS}\n{_given(trace, by)}"


def _by_edit(trace: Trace) -> bool:
    """Whether an edit alone made a trace from the one before it: words, and not what a model then wrote."""
    return trace.edit is not None and trace.awaits_rerun and not len(trace.latent_tokens)


def read_by(trace: Trace) -> list[str]:
    """The reader that its answer is read by, unless it is somebody's own function."""
    reader = trace.reader
    known = reader is not None and type(reader).__module__.startswith("cotlens.")
    return [f"trace = dataclasses.replace(trace, reader=cl.answers.{reader!r})"] if known else []


def _begun(trace: Trace, usual: Usual = None, by: str = "model") -> str:
    """The line that makes a trace that was made from no other one."""
    meta = trace.meta
    if meta.get("finish", "given") == "given" or trace.given_parts:  # from elsewhere, so no model of here wrote it
        return _given(trace, by)
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
    return f"trace = {by}.reason({meta.get('messages', trace.prompt)!r}, {written}{many}"


def _given(trace: Trace, by: str) -> str:
    """The line that makes a trace of its texts; of latents, which no text holds, the one that reads its file."""
    if len(trace.latents):
        why, file = "# a thought in latents, which no text holds: it is read from its file", f"{trace.id}.trace"
        return f"{why}\ntrace = cl.Trace.load({file!r}, model={by})"
    answer = trace.answer if "answer" in trace.roles else None
    of = f", model={by}" if trace.codec is not None or tokens_of(trace) else ""
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
    """The lines that load their models and make a list `traces`: one call where one has written all of them."""
    together = _together(traces)
    if together:
        return [*loading(traces[0]), together]
    lines, loaded = ["traces = []"], [""]
    for trace in traces:
        own = loading(trace)
        lines += [*(own if own != loaded else []), *making(trace), "traces.append(trace)"]
        loaded = own or loaded
    if sum(map(len, lines)) > MOST:
        return [f"# traces: the {len(traces):,} that are shown, as cl.read(path) reads them from where they were kept"]
    return lines


def _together(traces: Sequence[Trace]) -> str | None:
    """The call that has written all of them, None where they aren't the rollouts of one."""
    samples = [trace.meta.get("sample") for trace in traces]
    plain = all(trace.parent is None and trace.meta.get("finish") == "stop" for trace in traces)
    if len(traces) < 2 or not plain or samples != list(range(len(traces))):
        return None
    calls = {(own_model(trace), _begun(trace).partition(", n=")[0].removesuffix(")")) for trace in traces}
    return f"{calls.pop()[1].replace('trace', 'traces', 1)}, n={len(traces)})" if len(calls) == 1 else None


def showing(results: Sequence[Result], traces: Sequence[Trace], view: str) -> str:
    """A script.

    Args:
        traces: what the results were measured on, as far as it is known.
        view: the line that opens the view of `results`, and of `trace`, the last one.
    """
    return script(*_lines(results, {trace.id: trace for trace in traces}), view)


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
    before, loaded = None, ""
    for result in results:
        told = result.provenance
        if told.model not in ("", loaded):
            yield f"model = cl.load({told.model!r})"
            before, loaded = None, told.model
        if told.trace_id != before and told.call:
            yield from _measured(told, known)
            yield from (f"# {name}: {of}, which this view was not given" for name, of in others_of(result))
            before = told.trace_id
        yield f"results.append({told.call})" if told.call else _elsewhere(result)


def _measured(told: Provenance, known: Mapping[str, Trace]) -> list[str]:
    """The lines that make what a result was measured on; a comment where that isn't known."""
    trace = known.get(told.trace_id)
    if trace is not None:
        return [*making(trace, by=written_with(trace, told.model, told.revision)), *read_by(trace)]
    runs = "base, source: the two runs" if ".run(base" in told.call else f"trace: the one of the id {told.trace_id!r}"
    return [f"# {runs} that this was measured on; this view was not given it"]


def others_of(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Name in the call, and ids, of the other thoughts that a result was measured with."""
    for name in ("donor", "others"):
        if re.search(rf"\b{name}[,)]", result.provenance.call) and name in result.extras:
            of = result.extras[name]
            yield name, [of] if isinstance(of, str) else list(of)


def _elsewhere(result: Result) -> str:
    """What is said of a result that no line can measure again."""
    method = result.provenance.method or result.method
    return f"# {result!r}: made by {method} with the settings of its provenance; results.append(cl.load_result(path))"

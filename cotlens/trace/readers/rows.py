"""Rows of data sets and of logs, as traces: which fields hold question, thought and answer is told by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.messages import in_turns, parts_of, written
from cotlens.trace.trace import Trace

Row = Mapping[str, Any]

FIELDS = ("system", "prompt", "thought", "answer", "target", "model", "id")
"""What `read_jsonl(fields=...)` can name."""

_NAMES = {
    "system": ("system", "system_prompt"),
    "prompt": ("prompt", "question", "problem", "query", "instruction", "input"),
    "thought": ("thought", "reasoning", "reasoning_content", "thinking", "cot", "chain_of_thought", "rationale"),
    "answer": ("response", "output", "completion", "generation", "generated_text", "attempt", "solution", "answer"),
    "model": ("model", "model_name"),
    "id": ("id", "uuid", "idx"),
}
_TARGETS = ("target", "ground_truth", "gold", "reference", "answer", "expected_answer", "ground_truth_solution")


def row_traces(row: Row, *, model: Any = None) -> list[Trace] | None:
    """The traces of a row whose fields are known; None where they aren't."""
    for reader in (_transcript, _s1k, _generations, _lm_eval, _flat):
        found = list(reader(row))
        if found:
            return [_trace(parts, about, model) for parts, about in found]
    return None


def named_trace(row: Row, fields: Mapping[str, str], model: Any, where: str) -> Trace:
    """The trace of a row in which the caller says what is where.

    Args:
        fields: what -> field; a dot leads into a field ("doc.question").

    Raises:
        InputError: there is no such thing or field, or the row holds something other than text there.
    """
    values: dict[str, Any] = {}
    for what, name in fields.items():
        if what not in (*FIELDS, "messages"):
            raise InputError(f"fields= names {what!r}. {did_you_mean(what, (*FIELDS, 'messages'))}")
        values[what] = _field(row, name, where)
    about = {name: str(values[name]) for name in ("target", "model", "id") if values.get(name) is not None}
    writer = about.get("model", "")
    if "messages" in values:
        return _trace(parts_of(values["messages"], writer), about, model)
    if not isinstance(values.get("prompt"), (str, list)):
        raise InputError(
            f"{where} has no text or messages as its prompt; say where it is with fields={{'prompt': ...}}."
        )
    before = [*([{"role": "system", "content": values["system"]}] if values.get("system") else [])]
    said = values["prompt"]
    before += [{"role": "user", "content": said}] if isinstance(said, str) else said
    return _trace(
        _asked(parts_of(before, writer), _reply(values.get("thought"), values.get("answer"), writer)), about, model
    )


def _field(row: Row, name: str, where: str) -> Any:
    value: Any = row
    for step in name.split("."):
        if isinstance(value, Sequence) and not isinstance(value, str) and step.lstrip("-").isdigit():
            value = value[int(step)] if -len(value) <= int(step) < len(value) else None
        elif isinstance(value, Mapping) and step in value:
            value = value[step]
        else:
            known = list(value) if isinstance(value, Mapping) else []
            raise InputError(f"{where} has no field {name!r}. {did_you_mean(step, map(str, known))}")
    return value


def _trace(parts: Sequence[Part], about: Mapping[str, Any], model: Any) -> Trace:
    return from_parts(Trace, parts, meta=about, model=model, reader=FinalAnswer())


def _reply(thought: Any, answer: Any, writer: str) -> list[Part]:
    """A thought and an answer; the thought may be within the answer."""
    apart = {"reasoning_content": thought} if isinstance(thought, str) else {}
    return written({**apart, "content": answer if isinstance(answer, (str, list)) else ""}, writer)


def _asked(before: Sequence[Part], reply: Sequence[Part]) -> list[Part]:
    turns: dict[int, list[Part]] = {}
    for part in before:
        turns.setdefault(part.turn, []).append(part)
    return in_turns([*turns.values(), reply])


def _about(row: Row) -> dict[str, Any]:
    """What a row says of itself: an id, a model, the true answer."""
    about = {what: _first(row, _NAMES[what]) for what in ("id", "model")}
    about["target"] = _first(row, _TARGETS)
    return {name: str(value) for name, value in about.items() if isinstance(value, (str, int)) and value != ""}


def _first(row: Row, names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "", [])), None)


Found = Iterator[tuple[Sequence[Part], Mapping[str, Any]]]


def _transcript(row: Row) -> Found:
    """Messages, or the conversations of ShareGPT and OpenThoughts; OpenR1 has both messages and generations."""
    completed = row["completion"] if isinstance(row.get("completion"), list) else None  # TRL keeps it apart
    for name in ("messages", "conversations", "conversation", "transcript", "completion"):
        found = row.get(name)
        if (
            isinstance(found, list)
            and found
            and all(isinstance(one, Mapping) for one in found)
            and "generations" not in row
        ):
            system = row.get("system")
            lead = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
            about = _about(row)
            asked = row.get("prompt") if found is completed else None
            lead += asked if isinstance(asked, list) else [{"role": "user", "content": asked}] if asked else []
            yield parts_of([*lead, *found], about.get("model", "")), about
            return


def _s1k(row: Row) -> Found:
    """s1K: one or several thoughts about a question, each beside its attempt."""
    question = _first(row, ("question", "problem"))
    if not isinstance(question, str):
        return
    about = {**_about(row), **({"target": str(row["solution"])} if isinstance(row.get("solution"), str) else {})}
    for name in row:
        lead = next((name.removesuffix(end) for end in _TRAJECTORIES if name.endswith(end)), None)
        lead = name.removesuffix("reasoning") if lead is None and name.endswith("_reasoning") else lead
        if lead is None:
            continue
        attempt = next(
            (row[n] for n in (f"{lead}attempt", f"{lead}solution", "attempt") if isinstance(row.get(n), str)), ""
        )
        for thought in row[name] if isinstance(row[name], list) else [row[name]]:
            if isinstance(thought, str):
                who = {"model": lead.rstrip("_")} if lead else {}
                yield _asked(parts_of(question), _apart(thought, attempt)), {**about, **who}


_TRAJECTORIES = ("thinking_trajectories", "thinking_trajectory")


def _apart(thought: str, answer: str) -> list[Part]:
    return [Part("thought", thought), *([Part("answer", answer)] if answer else [])]


def _generations(row: Row) -> Found:
    """OpenR1: several generations about one problem, each with its thought in it."""
    question, found = _first(row, _NAMES["prompt"]), _first(row, ("generations", "responses", "completions", "outputs"))
    if not isinstance(question, str) or not isinstance(found, list):
        return
    about = _about(row)
    for sample, text in enumerate(found):
        if isinstance(text, str):
            more = {"id": f"{about['id']}/{sample}"} if "id" in about else {}
            yield _asked(parts_of(question), _reply(None, text, "")), {**about, **more, "sample": sample}


def _lm_eval(row: Row) -> Found:
    """Samples of lm-eval: what was asked in `arguments`, what was said in `resps`."""
    said, given = row.get("resps"), row.get("arguments")
    if not isinstance(said, list) or given is None:
        return
    prompt: Any = given
    while not isinstance(prompt, str) and prompt:
        prompt = next(iter(prompt.values() if isinstance(prompt, Mapping) else prompt))
    if not isinstance(prompt, str):
        return
    if _scored(said):
        raise InputError(
            "This sample of lm-eval holds the scores of given answers and no text that a model wrote; give samples of "
            "a task that generates."
        )
    target = {"target": str(row["target"])} if row.get("target") is not None else {}
    about = {"id": str(row.get("doc_id", "")), **target}
    for text in _texts(said):
        yield _asked(parts_of(_messages_in(prompt)), _reply(None, text, "")), about


def _messages_in(prompt: str) -> Any:
    """A prompt; where it is messages as JSON, which chat templates were applied to, those."""
    if prompt.lstrip().startswith("[{"):
        try:
            found = loads(prompt)
        except ValueError:
            return prompt
        if all(isinstance(one, Mapping) and "role" in one for one in found):
            return found
    return prompt


def _scored(found: Any) -> bool:
    """Whether answers that were given were scored, by log-probability and whether each is the likeliest."""
    while isinstance(found, list) and found:
        pair = len(found) == 2 and str(found[1]) in ("True", "False")
        if pair and isinstance(found[0], (int, float, str)):
            return True
        found = found[0]
    return isinstance(found, float)


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _texts(one)


def _flat(row: Row) -> Found:
    """A question, and a thought or an answer beside it."""
    values = {what: _first(row, _NAMES[what]) for what in ("system", "prompt", "thought", "answer")}
    if not isinstance(values["prompt"], (str, list)) or not isinstance(values["thought"] or values["answer"], str):
        return
    about = _about(row)
    if about.get("target") == values["answer"]:
        del about["target"]  # the only answer there is, so it is the one that was given
    lead = [{"role": "system", "content": values["system"]}] if values["system"] else []
    asked = values["prompt"] if isinstance(values["prompt"], list) else [{"role": "user", "content": values["prompt"]}]
    reply = _reply(values["thought"], values["answer"], about.get("model", ""))
    yield _asked(parts_of([*lead, *asked]), reply), about

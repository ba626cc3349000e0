"""`cl.read`: a file or folder of somebody's thoughts, whatever format its shape tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens.trace.collection.pages import is_saved
from cotlens.trace.collection.traces import Traces
from cotlens.trace.readers.agents import atif_trace, is_atif
from cotlens.trace.readers.conversations import of_exchange, of_exchanges, opened
from cotlens.trace.readers.files import beginning, existing, json_of, lines_of, shaped, text_of
from cotlens.trace.readers.inspect_logs import read_inspect
from cotlens.trace.readers.libraries import plain
from cotlens.trace.readers.messages import ITEMS, speaker
from cotlens.trace.readers.rollout_folders import BASE, SOLUTIONS, folder_traces
from cotlens.trace.readers.rows import named_trace, row_traces
from cotlens.trace.readers.streams.joining import is_stream, streams_in
from cotlens.trace.storage import FORMAT
from cotlens.trace.trace import Trace

REQUESTS = ("messages", "contents", "input", "inputs", "prompt", "system", "systemInstruction", "instructions")


def read(path: PathLike, *, model: Any = None) -> Traces:
    """The traces of a file or folder, whose format its shape tells.

    Read are: what CoTLens saved; requests and responses of providers, one or a list, `{"request": ..., "response":
    ...}` or either alone, whole, as the events of a stream, or in a batch (OpenAI chat and Responses, Anthropic,
    Bedrock, Google, Cohere, Mistral, OpenRouter, DeepSeek, DashScope, Ollama, LM Studio, llama.cpp, and servers that
    speak like one of them); lists of messages; logs of Inspect (`.eval`, `.json`); trajectories of
    agents (ATIF); samples of lm-eval; rows of OpenThoughts, s1K, OpenR1 and the like (`.json`, `.jsonl`); folders
    of rollouts in the layout of Thought Anchors; and folders of such files, as of one response each. For anything else,
    `cl.read_jsonl(path, fields=...)` is told what is where.

    Args:
        model: in whose format the text is tokenised; what differs is said in `meta["notes"]`. Without one the tokens
            are words.

    Raises:
        InputError: there is nothing, it is damaged or too large, or its format isn't known.
    """
    target = existing(path)
    if target.is_dir():
        return _folder(target, model)
    if target.suffix == ".eval":
        return read_inspect(target, model=model)
    if is_saved(target):
        return Traces.load(target, model=model)
    if target.suffix in (".jsonl", ".ndjson"):
        return Traces(_rows(((number, row) for number, row in lines_of(target)), target, model))
    if is_stream(beginning(target)):
        with shaped(str(target)):
            return Traces(of_exchange(None, text_of(target), model=model))
    data = json_of(target)
    if isinstance(data, Mapping) and data.get("format") == FORMAT:
        return Traces([Trace.load(target, model=model)])
    if isinstance(data, Mapping) and {"eval", "samples", "version"} <= set(data):
        return read_inspect(target, model=model)
    return Traces(_data(data, target, model))


def read_jsonl(
    path: PathLike,
    *,
    fields: Mapping[str, str] | None = None,
    lines: tuple[int, int] | None = None,
    model: Any = None,
) -> Traces:
    """The traces of a file with one JSON row per line.

    Args:
        fields: which field of a row is what: "prompt" (text or messages) and "thought", "answer", "system", "target",
            "model", "id"; or "messages" for whole transcripts. A dot leads into a field ("doc.question"). Without it,
            each row is read by its shape, as `cl.read` does.
        lines: the first and the last line to read, from 1; all by default. Of a file of gigabytes read some, save them,
            and add up what was saved: `cl.Traces.load(one) + cl.Traces.load(two)` is paged.
        model: as in `cl.read`.

    Raises:
        InputError: a line isn't JSON or too long, a field is missing, the shape of a row isn't known, or the rows are
            too many to be held at once.
    """
    target = existing(path)
    if lines is not None:
        ((first, last),) = check.pairs("lines", [lines])
        if not 1 <= first <= last:
            raise InputError(f"lines={lines} can't be; give the first and the last line to read, counted from 1.")
    if fields is None:
        return Traces(_rows(lines_of(target, lines), target, model))
    found = []
    for number, row in lines_of(target, lines):
        where = f"Line {number} of {target}"
        if not isinstance(row, Mapping):
            raise InputError(f"{where} holds a {type(row).__name__}; fields= names the fields of objects.")
        with shaped(where):
            found.append(named_trace(row, fields, model, where))
    return Traces(found)


def read_atif(path: PathLike, *, model: Any = None) -> Trace:
    """The trace of an agent's trajectory in the format ATIF: each thought of each step can be focused on.

    Raises:
        InputError: there is no such file, or it is none.
    """
    target = existing(path)
    with shaped(str(target)):
        return atif_trace(json_of(target), model=model)


def _folder(folder: Path, model: Any) -> Traces:
    """The traces of a folder: of published rollouts at any depth, else of all files in it that may hold some."""
    bases = {path.parent for path in folder.glob(f"**/{BASE}")}
    problems = sorted(bases | {path.parent.parent for path in folder.glob(f"**/chunk_*/{SOLUTIONS}")})
    if problems:
        return Traces(trace for each in problems for trace in folder_traces(each, model=model))
    files = sorted((path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()), key=_numbered)
    if not files:
        raise InputError(
            f"{folder} is no folder of rollouts: it holds no base_solution.json, no chunk_*/solutions.json, and no "
            f"files that end in {', '.join(_SUFFIXES)}; give a folder that does, or a file."
        )
    calls = _calls(files)
    if calls is not None:
        with shaped(str(folder)):
            return Traces(of_exchanges(calls, model=model))
    found = Traces()
    for path in files:
        found += read(path, model=model)
    return found


_SUFFIXES = (".json", ".jsonl", ".ndjson", ".eval", ".traces")


def _numbered(path: Path) -> list[tuple[int, str]]:
    """A name by its words and numbers, so that 10 comes after 9."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", path.name)]


def _calls(files: Sequence[Path]) -> list[Mapping[str, Any]] | None:
    """What files hold that are a request and its response each; None where one is something else."""
    found = []
    for path in files:
        data = json_of(path) if path.suffix == ".json" else None
        if not isinstance(data, Mapping) or not _is_exchange(data):
            return None
        found.append(data)
    return found


def _data(data: Any, path: Path, model: Any) -> Iterable[Trace]:
    if isinstance(data, list) and data and _is_message(data[0]):
        return [Trace.from_messages(data, model=model)]
    if isinstance(data, Mapping) and isinstance(data.get("interactions"), list):  # as VCR and its kin record them
        data = data["interactions"]
    if isinstance(data, list):
        return _rows(enumerate(data, start=1), path, model, "Row")
    return _rows([(1, data)], path, model, "The content")


def _rows(rows: Iterable[tuple[int, Any]], path: Path, model: Any, what: str = "Line") -> list[Trace]:
    listed = list(rows)
    with shaped(str(path)):
        streams = streams_in([row for _, row in listed])
    if streams:
        with shaped(str(path)):
            return [trace for events in streams for trace in of_exchange(None, events, model=model)]
    if listed and all(_is_exchange(row) for _, row in listed):
        with shaped(str(path)):
            return of_exchanges([row for _, row in listed], model=model)
    found: list[Trace] = []
    for number, row in listed:
        where = f"{what} {number} of {path}" if what != "The content" else f"The content of {path}"
        with shaped(where):
            found += _row(row, where, model)
    if not found:
        raise InputError(f"{path} holds no rows, so there is nothing to read.")
    return found


def _row(row: Any, where: str, model: Any) -> list[Trace]:
    """The traces of one row, by the first shape that it has."""
    if isinstance(row, list) and row and all(_is_message(one) for one in row):
        return [Trace.from_messages(row, model=model)]
    if not isinstance(row, Mapping):
        raise _unknown(where, f"it holds a {type(row).__name__}")
    if is_atif(row):
        return [atif_trace(row, model=model)]
    if _is_exchange(row):
        return of_exchange(row.get("request"), row.get("response"), model=model)
    for asked, said in (("inputs", "outputs"), ("input", "output")):  # as tracers log calls
        if row.get(asked) and isinstance(row.get(said), Mapping) and _is_reply(row[said]):
            request = row[asked] if isinstance(row[asked], Mapping) else {"messages": row[asked]}
            return of_exchange(request, row[said], model=model)
    if _is_response(row):
        question = {"prompt": row["prompt"]} if isinstance(row.get("prompt"), str) else None
        return of_exchange(question, row, model=model)
    if isinstance(row.get("result"), Mapping) and "custom_id" in row:  # of a batch
        result = row["result"]
        return of_exchange(None, result.get("message", result), model=model)
    if isinstance(row.get("body"), Mapping):
        return of_exchange(row["body"], None, model=model)
    found = row_traces(row, model=model)
    if found is not None:
        return found
    if any(isinstance(row.get(name), (list, str)) for name in REQUESTS[:4]):
        return of_exchange(row, None, model=model)
    if isinstance(row.get("message"), Mapping):
        return of_exchange(None, row, model=model)
    if row.get("error"):
        return of_exchange(None, row, model=model)
    raise _unknown(where, f"its fields: {', '.join(map(str, row))[:120]}")


def _unknown(where: str, what: str) -> InputError:
    return InputError(
        f"{where} has a format that isn't known by its shape ({what}); say what is where with "
        "cl.read_jsonl(path, fields={'prompt': ..., 'thought': ..., 'answer': ...}), or give messages to "
        "cl.Trace.from_messages."
    )


def _is_exchange(row: Any) -> bool:
    if not isinstance(row, Mapping) or not (row.get("request") or row.get("response")):
        return False
    request, response = opened(row.get("request")), opened(row.get("response"))
    asked = not request or isinstance(request, (Mapping, str, list))
    plain_text = bool(request) and isinstance(response, str)  # alone, it is a column of a data set
    return asked and (not response or isinstance(response, Mapping) or is_stream(response) or plain_text)


def _is_message(one: Any) -> bool:
    if not isinstance(one, Mapping):
        return False
    return speaker(plain(one)) is not None or one.get("type") in ITEMS or ("type" in one and "summary" in one)


def _is_reply(one: Mapping[str, Any]) -> bool:
    """Whether it is a response, or the message of one."""
    return speaker(plain(one)) == "answer" or _is_response(one)


def _is_response(row: Mapping[str, Any]) -> bool:
    """Whether a row is what a provider answered, rather than what it was asked or a row of data."""
    lists = any(isinstance(row.get(name), list) and row[name] for name in ("choices", "candidates"))
    spoken = isinstance(row.get("content"), list) and speaker(row) == "answer"
    about = any(name in row for name in ("object", "status", "model_instance_id"))
    items = about and any(isinstance(row.get(name), list) for name in ("output", "outputs", "steps"))
    wrapped = isinstance(row.get("output"), Mapping) and any(n in row["output"] for n in ("message", "choices"))
    native = "generated_text" in row or ("text" in row and "meta_info" in row) or "promptFeedback" in row
    served = isinstance(row.get("content"), str) and "tokens_predicted" in row
    return lists or spoken or items or wrapped or native or served

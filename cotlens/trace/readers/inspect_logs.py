"""Logs of Inspect, read by its own library: every sample and epoch is a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.optional import need
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.collection.traces import Traces
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.readers.files import MOST_BYTES, check_archive, existing
from cotlens.trace.readers.messages import parts_of
from cotlens.trace.trace import Trace

_ENDS = {
    "stop": "stop",
    "tool_calls": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "error",
}
_FAILED = "The sample failed and holds what was written before ({})."


def read_inspect(path: PathLike, *, model: Any = None) -> Traces:
    """The samples of a log of Inspect, `.eval` or `.json`; needs `pip install "cotlens[inspect]"`.

    A trace's `meta` holds the sample's id and epoch, the task, the target, and the scores. Attachments are put in their
    places, and pooled messages too.

    Args:
        model: in whose format the text is tokenised.

    Raises:
        InputError: there is no such file, it is no log, holds no samples, or would unpack to what no log does.
        MissingPackage: inspect_ai isn't installed.
    """
    target = existing(path)
    if target.suffix == ".eval":
        check_archive(target)
    elif target.stat().st_size > MOST_BYTES:
        raise InputError(
            f"{target} has more than {MOST_BYTES >> 20} MB; convert it to .eval with `inspect log convert`."
        )
    header, samples = _log(target)
    traces = Traces(_traces(header, samples, model))
    if not traces:
        raise InputError(f"{target} holds no samples; was it written with log_samples=False, or cut off?")
    return traces


def _log(path: Path) -> tuple[Any, Iterator[Any]]:
    """What a log says of all samples, and these one by one, for those of a large log don't fit into memory together."""
    library = need("inspect_ai.log", "A log of Inspect", "inspect")
    with _damaged(path):
        if path.suffix == ".eval":
            asked = {"all_samples_required": False, "resolve_attachments": True, "exclude_fields": _UNREAD}
            header = library.read_eval_log(str(path), header_only=True)
            if header.eval.dataset.sample_ids is not None:  # logs of before say none
                return header, _each(path, library.read_eval_log_samples(str(path), **asked))
        whole = library.read_eval_log(str(path), resolve_attachments=True)
        return whole, iter(whole.samples or ())


_UNREAD = {"events", "store"}  # what a sample holds besides its messages, and most of its size


def _each(path: Path, samples: Iterator[Any]) -> Iterator[Any]:
    with _damaged(path):
        yield from samples


@contextlib.contextmanager
def _damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # whatever the library makes of a damaged log
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"Inspect can't read {path} as a log ({said[:200]}).") from error


def _traces(log: Any, samples: Iterator[Any], model: Any) -> Iterator[Trace]:
    writer = str(log.eval.model or "").removeprefix("mockllm/")
    for sample in samples:
        messages = [message.model_dump() for message in sample.messages]
        if messages:
            parts = parts_of(messages, writer)
            yield from_parts(Trace, parts, meta=_about(log, sample, writer), model=model, reader=FinalAnswer())


def _about(log: Any, sample: Any, writer: str) -> dict[str, Any]:
    target = sample.target if isinstance(sample.target, str) else ", ".join(map(str, sample.target or ()))
    reason = str(getattr(sample.output, "stop_reason", "") or "") if sample.output and sample.output.choices else ""
    return {
        "model": writer,
        "task": str(log.eval.task),
        "id": str(sample.id),
        "epoch": int(sample.epoch),
        "target": target,
        "scores": {str(name): _plain(score.value) for name, score in (sample.scores or {}).items()},
        "finish": "error" if sample.error else _ENDS.get(reason, "given"),
        **({"notes": [_FAILED.format(str(sample.error.message)[:200])]} if sample.error else {}),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)

"""Problem sets out of files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.files import PathLike
from cotlens.measure.faithfulness.problems import NEEDED, Cue, Problem, Problems

FIELDS = (*NEEDED, "options", "cue", "cue_answer", "cue_name", "cue_place", "id")
_MOST_ROWS = 1_000_000

Source = str | Callable[[Mapping[str, Any]], Any]
"""What a field is called in a file, or what makes it of a row."""


def read_problems(path: PathLike, fields: Mapping[str, Source] | None = None) -> Problems:
    """A problem set out of a JSONL or CSV file.

    Args:
        fields: what each of "prompt", "answer", "options", "cue", "cue_answer", "cue_name", "cue_place", "id" is called
            in the file, or a function of a row; by default by these names. Prompt and answer are needed. Options are a
            list, or in a CSV separated by "|".

    Raises:
        InputError: the file can't be read or is empty, a line is no row, a needed field is missing in one, or a row is
            no possible problem.
    """
    file, named = check.path("path", path, of="read_problems"), _named(fields)
    found = [_problem(row, f"Line {line} of {file.name}", named) for line, row in _rows(file)]
    if not found:
        raise InputError(f"{file.name} holds no problem: give a file with at least one, each with a prompt and answer.")
    return Problems(found)


def _named(fields: Any) -> dict[str, Source]:
    if fields is not None and not isinstance(fields, Mapping):
        raise InputError(f"read_problems was given fields={fields!r}: give a dict, such as {{'prompt': 'question'}}.")
    for name, source in (fields or {}).items():
        if name not in FIELDS:
            raise InputError(f"A problem has no field {name!r}. {did_you_mean(str(name), FIELDS)}")
        if not isinstance(source, str) and not callable(source):
            raise InputError(f"fields= has {source!r} for the {name}: give the field's name, or a function of a row.")
    return {name: name for name in FIELDS} | dict(fields or {})


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                reader = csv.DictReader(file)
                _once(reader.fieldnames or (), f"The header of {path.name}")
                for values in reader:  # one may go over several lines
                    yield reader.line_num, _whole(reader.line_num, values)
                return
            for number, line in enumerate(file, 1):
                if number > _MOST_ROWS:
                    raise InputError(f"{path.name} has more than {_MOST_ROWS:,} lines: split the file.")
                if line.strip():
                    yield number, _row(line, f"Line {number} of {path.name}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} can't be read as a problem file ({error}): give a JSONL or CSV file.") from error


def _once(names: Sequence[str], where: str) -> None:
    """Raise InputError where a field is there twice, of which one would be lost."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{where} has the field {twice!r} twice: give each a name of its own.")


def _whole(line: int, row: Mapping[str, Any]) -> Mapping[str, Any]:
    if None in row:  # where DictReader puts what it has no name for
        raise InputError(
            f"Line {line} has more values than the header has names, such as {row[None][0]!r}: put a value that holds "  # type: ignore[index]
            "commas in quotes."
        )
    return row


def _row(line: str, where: str) -> Mapping[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _once([name for name, _ in pairs], where)
        return dict(pairs)

    try:
        row = json.loads(line, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        row = None
    if not isinstance(row, dict):
        raise InputError(f"{where} is no JSON object: each line holds one problem with named fields.")
    return row


def _field(row: Mapping[str, Any], source: Any, name: str, where: str) -> Any:
    """A field as text or a number, options as a list of such; raises InputError where it is anything else."""
    try:
        found = source(row) if callable(source) else row.get(source)
    except Exception as error:
        raise InputError(
            f"{where} has no {name} that its function in fields= could take ({type(error).__name__}: {error})."
        ) from error
    if name == "options" and isinstance(found, str):
        found = found.split("|") if found else ()
    listed = list(found) if name == "options" and isinstance(found, list | tuple) else [found]
    if found is not None and (not all(map(_plain, listed)) or (name == "options" and listed == [found])):
        wanted = "a list of texts" if name == "options" else "a text or a number"
        raise InputError(f"{where} has {str(found)[:40]!r} for the {name}: give {wanted}.")
    return found


def _plain(value: Any) -> bool:
    """Whether it is a text or a number; NaN, which JSON of pandas holds for what is missing, is none."""
    return isinstance(value, str | int | float) and value == value


def _problem(row: Mapping[str, Any], where: str, named: Mapping[str, Source]) -> Problem:
    told = {name: _field(row, source, name, where) for name, source in named.items()}
    text = {name: "" if told[name] is None else str(told[name]) for name in FIELDS if name != "options"}
    for name in NEEDED:
        if not text[name].strip():
            raise InputError(f"{where} has {_missing(row, named[name])} for the {name}; {_meant(name)}.")
    about = {name: text[f"cue_{name}"] for name in ("answer", "name", "place") if text[f"cue_{name}"]}
    if about and not text["cue"]:
        raise InputError(
            f"{where} has {named[f'cue_{next(iter(about))}']!r} but no field {named['cue']!r} for the cue itself; "
            f"{_meant('cue')}."
        )
    try:
        cue = Cue(text["cue"], **about) if text["cue"] else None  # type: ignore[arg-type]
        return Problem(text["prompt"], text["answer"], tuple(map(str, told["options"] or ())), cue, text["id"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _missing(row: Mapping[str, Any], source: Source) -> str:
    if callable(source):
        return "nothing that the function in fields= could take"
    return f"nothing in {source!r}" if source in row else f"no field {source!r} (it has {', '.join(map(str, row))})"


def _meant(name: str) -> str:
    return f"say which is meant with fields={{{name!r}: ...}}"

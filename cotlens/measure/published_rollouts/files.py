"""The files of one published problem, read and checked; what they mean is said elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.data import loads
from cotlens._core.errors import InputError

CHUNKS = "chunks_labeled.json"
LISTS = "chunks_resampled.json"
SOLUTIONS = "chunk_{}/solutions.json"
MATRICES = {"resampling": "step_importance.json", "suppression": "step_importance_supp.json"}


@dataclass(frozen=True)
class ProblemFiles:
    """One problem as its folder has it.

    Args:
        folder: where it lies.
        rows: the rows of the chunks, in the order of their index.
        index: int64 [n], their published indices; a gap is a chunk that is missing.
        base: prompt, solution, answer of the base trace; empty where there is no such file.
        problem: the question and its true answer; empty where there is no such file.
    """

    folder: Path
    rows: tuple[Mapping[str, Any], ...]
    index: NDArray[np.int64]
    base: Mapping[str, Any]
    problem: Mapping[str, Any]

    @property
    def chunks(self) -> list[str]:
        """The text of every chunk."""
        return [row["chunk"] for row in self.rows]

    def has(self, column: str) -> bool:
        """Whether any row has this column."""
        return any(column in row for row in self.rows)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as it was written, float64 [n]; NaN where a row has no number there."""
        return np.array([number(row.get(column)) for row in self.rows], dtype=np.float64)

    def words(self, column: str) -> list[str]:
        """A column of text, or of lists with one text, as text; "" where a row has none."""
        values = [row.get(column) for row in self.rows]
        return [str(value[0]) if isinstance(value, list) and value else str(value or "") for value in values]

    def listed(self) -> NDArray[np.int64] | None:
        """How many resampled sentences the folder lists in place of each, int64 [n]; None without such a list.

        Raises:
            InputError: the list is damaged.
        """
        path = self.folder / LISTS
        lists = _mapping(path)
        if not lists:
            return None
        if not all(isinstance(each, list) for each in lists.values()):
            raise InputError(f"{path} should hold a list of sentences for every sentence; some of it is no list.")
        return np.array([len(lists.get(str(index), ())) for index in self.index], dtype=np.int64)

    def counted(self) -> NDArray[np.int64] | None:
        """How many rollouts with an answer the folder holds of each sentence, int64 [n]; None where it holds none.

        Raises:
            InputError: a file of rollouts is damaged.
        """
        paths = [self.folder / SOLUTIONS.format(index) for index in self.index]
        if not any(path.is_file() for path in paths):
            return None
        found = [_json(path) if path.is_file() else [] for path in paths]
        for path, rollouts in zip(paths, found, strict=True):
            if not isinstance(rollouts, list) or not all(isinstance(one, dict) for one in rollouts):
                raise InputError(f"{path} should hold a list of rollouts; it holds {_what(rollouts)}.")
        return np.array([sum(bool(one.get("answer")) for one in rollouts) for rollouts in found], dtype=np.int64)

    def matrix(self, method: str) -> NDArray[np.float64]:
        """A sentence-to-sentence file as float64 [sources, targets] in chunk order, NaN where it says nothing.

        Raises:
            InputError: the folder has no such file, or it is damaged or names chunks that don't exist.
        """
        path = self.folder / MATRICES[method]
        if not path.is_file():
            raise InputError(f"{self.folder} has no {path.name}, so there is no sentence-to-sentence matrix to read.")
        cells = np.full((len(self.rows), len(self.rows)), np.nan)
        try:
            sources = _json(path)
            place = self._places(path, [(each["source_chunk_idx"], each.get("source_chunk_text")) for each in sources])
            for source in sources:
                for target in source["target_impacts"]:
                    at = place[source["source_chunk_idx"]], place[target["target_chunk_idx"]]
                    cells[at] = number(target["importance_score"])
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a sentence-to-sentence file: {error!r} in one of its rows.") from error
        return cells

    def _places(self, path: Path, sources: Sequence[tuple[int, str | None]]) -> Mapping[int, int]:
        """Row of every chunk that a matrix names: by its index or, in some published files, by its order."""
        for names in (self.index.tolist(), range(len(self.rows))):
            place = {name: row for row, name in enumerate(names)}
            if all(name in place and text in (None, self.rows[place[name]]["chunk"]) for name, text in sources):
                return place
        raise InputError(f"{path} speaks of other sentences than {CHUNKS}: the two files are not of one problem.")


def number(value: Any) -> float:
    """A JSON number as a float; NaN for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def read_problem(folder: str | os.PathLike[str]) -> ProblemFiles:
    """The problem in `folder`; `chunks_labeled.json` itself may be given too.

    Raises:
        InputError: no such folder, none of one problem, or its files are damaged.
    """
    path = check.path("folder", folder)
    path = path.parent if path.name == CHUNKS else path
    if not path.is_dir():
        raise InputError(f"There is no folder {path}; give one with the published files of a problem ({CHUNKS}, ...).")
    if not (path / CHUNKS).is_file():
        inside = sorted(str(found.parent.relative_to(path)) for found in path.glob(f"**/{CHUNKS}"))
        several = f" It holds {len(inside)} problems, such as {inside[0]!r}: give one of them." if inside else ""
        raise InputError(f"{path} has no {CHUNKS}, so it is not the folder of a published problem.{several}")
    rows = _rows(path / CHUNKS)
    index = _index(path / CHUNKS, rows)
    order = np.argsort(index, kind="stable")
    parts = [_mapping(path / name) for name in ("base_solution.json", "problem.json")]
    return ProblemFiles(path, tuple(rows[i] for i in order), index[order], *parts)


def _rows(path: Path) -> list[Mapping[str, Any]]:
    rows = _json(path)
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path} should hold a list with a row per sentence; it holds {_what(rows)}.")
    for at, row in enumerate(rows):
        if not isinstance(row, dict) or not isinstance(row.get("chunk"), str):
            raise InputError(f"Row {at} of {path} has no text under 'chunk', so its sentence is unknown.")
    return rows


def _index(path: Path, rows: list[Mapping[str, Any]]) -> NDArray[np.int64]:
    index = [row.get("chunk_idx", at) for at, row in enumerate(rows)]
    if not all(isinstance(each, int) and each >= 0 for each in index) or len(set(index)) != len(index):
        raise InputError(
            f"The rows of {path} need different indices from 0 under 'chunk_idx'; they are {index[:8]} ..."
        )
    return np.array(index, dtype=np.int64)


def _mapping(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    value = _json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path} should hold one object with named fields; it holds {_what(value)}.")
    return value


def _json(path: Path) -> Any:
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); fetch it again.") from error


def _what(value: Any) -> str:
    return "an empty list" if value == [] else f"a {type(value).__name__}"

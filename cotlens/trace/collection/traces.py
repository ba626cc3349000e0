"""Many traces as one thing: immutable, of any length, in memory or paged from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.files import PathLike, write_bytes
from cotlens._core.text import without_halves
from cotlens.trace.collection.pages import Pages, write
from cotlens.trace.collection.summaries import COLUMNS, SAID, TraceSummary, messages, row, says
from cotlens.trace.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


class Traces(Sequence[Trace]):
    """Traces in their order. `model.reason(prompt, n=200)` makes one, `cl.read(path)` too.

    A slice, `filter`, `search`, `sample`, `group` and `+` make new ones that share the traces. Those of a file
    (`Traces.load`) are read from it when they are looked at, and not all kept in memory.

    Args:
        traces: any number of them.

    Raises:
        InputError: one of them is no trace.
    """

    def __init__(self, traces: Iterable[Trace] = ()) -> None:
        if isinstance(traces, Traces):
            self._held: list[tuple[Sequence[Trace], int]] = traces._held
            return
        given = tuple(traces)
        for number, trace in enumerate(given):
            if not isinstance(trace, Trace):
                raise InputError(f"Item {number} is a {type(trace).__name__}; a collection holds traces.")
        self._held = [(given, at) for at in range(len(given))]

    @classmethod
    def _of(cls, held: Iterable[tuple[Sequence[Trace], int]]) -> Self:
        made = cls()
        made._held = list(held)
        return made

    def __len__(self) -> int:
        return len(self._held)

    @overload
    def __getitem__(self, at: int) -> Trace: ...
    @overload
    def __getitem__(self, at: slice) -> Self: ...
    def __getitem__(self, at: int | slice) -> Trace | Self:
        if isinstance(at, slice):
            return self._of(self._held[at])
        source, place = self._held[at]
        return source[place]

    def __iter__(self) -> Iterator[Trace]:
        return (source[place] for source, place in self._held)

    def __add__(self, other: Iterable[Trace]) -> Self:
        more = other if isinstance(other, Traces) else Traces(other)
        return self._of([*self._held, *more._held])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Traces, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(trace.id for trace in self))

    def __repr__(self) -> str:
        shown = "".join(f"\n  {trace!r}" for trace in self[:_SHOWN])
        more = f"\n  and {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""
        return f"<{len(self)} traces{':' if shown else ''}{shown}{more}>"

    def _repr_html_(self) -> str:
        frame = self[:_SHOWN].frame()
        more = f"<p>and {len(self) - _SHOWN} more of {len(self)}</p>" if len(self) > _SHOWN else ""
        return str(frame.to_html(escape=True, max_cols=None)) + more

    @property
    def models(self) -> list[str]:
        """The models that wrote them, each once, in the order of their appearance; "" where that isn't known."""
        return list(dict.fromkeys(seen.model for seen in self._summaries()))

    def frame(self) -> pd.DataFrame:
        """A row per trace: id, model, how it ended, how its thought came, sizes, answer by value, and the texts.

        `answer` is None where it could not be read. What `meta` says of seed, sample, target and the like has a column
        where any trace says it.
        """
        import pandas as pd

        rows = [row(seen) for seen in self._summaries()]
        frame = pd.DataFrame(rows, columns=None if rows else list(COLUMNS))
        known = [name for name in frame.columns if name in COLUMNS or frame[name].notna().any()]
        return frame[known]

    def answers(self) -> list[str | None]:
        """The answer of each by its value, in a form that is the same for the same value; None where it can't be read.

        Raises:
            InputError: they are of several models, whose answers can't be pooled.
        """
        found = [(seen.model, seen.answer) for seen in self._summaries()]  # one look at each, for it may read a file
        models = list(dict.fromkeys(model for model, _ in found))
        if len(models) > 1:
            named = ", ".join(name or "unknown" for name in models[:4])
            raise InputError(
                f"These traces are of {len(models)} models ({named}), whose answers can't be pooled; group them "
                "by model first: traces.group('model')."
            )
        return [value for _, value in found]

    def filter(self, keep: Callable[[Trace], Any] | None = None, **said: Any) -> Self:
        """Those of which `keep(trace)` is true, and that say what is asked: `filter(answer="42", finish="stop")`.

        Args:
            keep: looks at a whole trace, which of a file is then read.
            said: by a column of `frame`, or a name in `trace.meta`; what they ask is found without reading tokens. An
                answer is meant by its value ("1/2" finds "0.5"), and None finds those that could not be read.

        Raises:
            InputError: no trace has such a column or name.
        """
        found = list(self._summaries()) if said else []
        known = {*COLUMNS, *SAID, *(name for seen in found for name in seen.meta)}
        for name in said:
            if name not in known:
                raise InputError(f"No trace says {name!r}. {did_you_mean(name, sorted(map(str, known)))}")
        kept = self._held
        if said:
            asked = [all(seen.says(name, value) for name, value in said.items()) for seen in found]
            kept = [held for held, wanted in zip(kept, asked, strict=True) if wanted]
        return self._of(held for held in kept if keep is None or keep(held[0][held[1]]))

    def _summaries(self) -> Iterator[TraceSummary]:
        return (_glance(source, place) for source, place in self._held)

    def search(self, text: str) -> Self:
        """Those that say `text` anywhere, whatever its capitals."""
        wanted = check.text("text", text).casefold()
        return self._of(held for held in self._held if wanted in _text(*held).casefold())

    def sample(self, n: int, seed: int = 0) -> Self:
        """`n` of them drawn without replacement, in the order in which they stand.

        Raises:
            InputError: there are fewer.
        """
        n = check.whole("n", n, 0)
        if n > len(self):
            raise InputError(f"{n} of {len(self)} traces can't be drawn without replacement; give at most {len(self)}.")
        drawn = np.random.default_rng(check.seed(seed)).choice(len(self), n, replace=False)
        return self._of(self._held[at] for at in sorted(drawn.tolist()))

    def group(self, by: str | Callable[[Trace], Hashable] = "answer") -> dict[Hashable, Self]:
        r"""The traces by what they have in common, the largest group first.

        Args:
            by: "answer", by its value ("1/2", "0.5" and "\frac12" are one); another column of `frame`, such as "model",
                or a name in `trace.meta`; or a function of a trace.

        Returns:
            value -> traces. Those whose answer could not be read, or that don't say, are the group None, the last one:
            none is dropped.

        Raises:
            InputError: answers of several models would be pooled.
        """
        if by == "answer":
            keys: list[Hashable] = list(self.answers())
        elif callable(by):
            keys = [by(trace) for trace in self]
        else:
            told = (says(seen, by) for seen in self._summaries())
            keys = [None if key == "" else key for key in told]
        found: dict[Hashable, list[tuple[Sequence[Trace], int]]] = {}
        for held, name in zip(self._held, keys, strict=True):
            found.setdefault(name, []).append(held)
        order = sorted(found, key=lambda name: (name is None, -len(found[name])))
        return {name: self._of(found[name]) for name in order}

    def save(self, path: PathLike) -> None:
        """Write them, with the traces that they were made from, to one file; codecs are left out.

        Raises:
            InputError: the file can't be written, or a `meta` holds something that JSON can't.
        """
        write(path, list(self))

    def to_jsonl(self, path: PathLike) -> None:
        """Write a line of JSON per trace, as messages with the thought apart, for other programs; `cl.read` reads them.

        Texts alone: `save` keeps tokens, probabilities and what traces were made from.

        Raises:
            InputError: the file can't be written.
        """
        lines = [json.dumps(messages(seen), ensure_ascii=False) for seen in self._summaries()]
        write_bytes(path, without_halves("".join(f"{line}\n" for line in lines)).encode("utf-8"))

    @classmethod
    def load(cls, path: PathLike, *, model: Any = None) -> Self:
        """Traces that `save` wrote; each is read from the file when it is looked at.

        Args:
            model: gives the traces its tokenizer, so that they can be edited.

        Raises:
            InputError: the file is missing, damaged or something else.
        """
        pages = Pages(Trace, path, model)
        return cls._of((pages, at) for at in range(len(pages)))


def _text(source: Sequence[Trace], place: int) -> str:
    return source.text(place) if isinstance(source, Pages) else source[place].text


def _glance(source: Sequence[Trace], place: int) -> TraceSummary:
    return source.glance(place) if isinstance(source, Pages) else TraceSummary.of(source[place])

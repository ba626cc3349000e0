"""What a probe is fitted on: places in traces, what is to be read there, and which problem each belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import CapabilityError, InputError, did_you_mean
from cotlens.measure.method import check_one_model, traces_of
from cotlens.models.contract import Capability, Model, remedy
from cotlens.trace import Trace

Label = Callable[[Trace, int], Any]
PLACES = ("prompt", "sentence", "prompt and sentence", "thought")


@dataclass(frozen=True)
class Example:
    """A place in a trace with its label.

    Args:
        trace: where it is read.
        at: token index.
        label: what is to be read there: any value that can be told from others, or a number.
        problem: examples of one problem are never on both sides of a split: all cuts and branches of one tree belong
            to one. By default the trace's prompt.
        nuisance: what might tell the label without any thought: numbers (length, index of the cut), and texts, which
            are categories ("start value in the thirties").

    Raises:
        InputError: a label that is missing or can't be compared, a place that is no token of the trace.
    """

    trace: Trace
    at: int
    label: Hashable
    problem: Hashable = None
    nuisance: Sequence[float | str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.trace, Trace):
            raise InputError(f"An example is a place in a trace; {self.trace!r:.60} was given as the trace.")
        object.__setattr__(self, "at", check.whole("at", self.at, 0, len(self.trace.token_ids) - 1, of="Example"))
        for name, value in (("label", self.label), ("problem", self.problem)):
            if not isinstance(value, Hashable):
                raise InputError(f"Example was given {name}={value!r:.60}: give text, a number or a tuple.")
        if self.label is None or self.label != self.label:
            raise InputError(f"The label {self.label!r} says nothing: leave this place out of the examples.")
        if isinstance(self.nuisance, str) or not isinstance(self.nuisance, Iterable):
            raise InputError(f"Example was given nuisance={self.nuisance!r:.60}: give a tuple of numbers and texts.")
        object.__setattr__(self, "nuisance", tuple(_covariate(value) for value in self.nuisance))

    @property
    def group(self) -> Hashable:
        """The problem, or the prompt where none is named."""
        return self.trace.prompt if self.problem is None else self.problem


def _covariate(value: Any) -> float | str:
    return value if isinstance(value, str) else check.number("nuisance", value, of="Example")


def examples(
    traces: Trace | Iterable[Trace],
    label: Label,
    *,
    at: str | Callable[[Trace], Sequence[int]] = "prompt",
    problem: Callable[[Trace], Hashable] | None = None,
    nuisance: Callable[[Trace, int], Sequence[float | str]] | None = None,
) -> list[Example]:
    """Examples of every trace, in order.

    Args:
        label: says of a trace and a token index what is to be read there: the answer, one of its digits, whether it is
            right, the running total; None leaves the place out.
        at: "prompt", the last token before the thought; "sentence", the last token of every sentence of the thought;
            "prompt and sentence"; "thought", its last token; or a function of the trace that gives token indices.
        problem: of a trace; by default its prompt.
        nuisance: of a trace and a token index; see `Example`.

    Raises:
        InputError: there is no such place, or a trace has no thought.
    """
    if not callable(label):
        raise InputError(f"label= says of a trace and a token index what is read there; {label!r:.60} was given.")
    for name, given in (("problem", problem), ("nuisance", nuisance)):
        if given is not None and not callable(given):
            raise InputError(f"{name}= is a function, as label= is; {given!r:.60} was given.")
    found = []
    for trace in traces_of(traces, "A probe"):
        for where in places(trace, at):
            value = label(trace, where)
            if value is not None:
                more = nuisance(trace, where) if nuisance is not None else ()
                found.append(Example(trace, where, value, None if problem is None else problem(trace), more))
    return found


def places(trace: Trace, at: str | Callable[[Trace], Sequence[int]]) -> list[int]:
    """Token indices of a named kind of place.

    Raises:
        InputError: there is no such kind, or the trace has no thought.
    """
    if callable(at):
        return [int(one) for one in check.indices("at", at(trace), of="examples")]
    if at not in PLACES:
        raise InputError(f"There is no place {at!r} to read. {did_you_mean(str(at), PLACES)}")
    if "thought" not in trace.roles:
        raise InputError("This trace has no thought whose beginning or sentences could be read; name token indices.")
    thought = trace.roles["thought"]
    before = [thought.start - 1] if "prompt" in at else []
    ends = [span.end - 1 for span in trace.spans("sentence")] if "sentence" in at else []
    if at == "thought" and thought.start == thought.end:
        raise InputError("The thought of a trace is empty, so it has no last token to read; leave that trace out.")
    return [*before, *ends] if at != "thought" else [thought.end - 1]


def examples_of(given: object) -> tuple[Example, ...]:
    """Examples as they were given, one or several; what they are is for `check_examples` to say."""
    return tuple(given) if isinstance(given, Iterable) else (given,)  # type: ignore[return-value]


def check_examples(given: Sequence[Example], folds: int) -> None:
    """Raise InputError where no probe can be fitted on these."""
    for one in given:
        if not isinstance(one, Example):
            raise InputError(f"A probe is fitted on cl.probes.Example(trace, at, label); {one!r:.60} was given.")
    labels, problems = {one.label for one in given}, {one.group for one in given}
    if len(labels) < 2:
        said = f"all {len(given)} examples have {next(iter(labels))!r}" if given else "there are no examples"
        raise InputError(f"A probe needs two or more different labels, and {said}: give what is to be told apart.")
    if len(problems) < folds:
        fewer = f"give more, or folds={len(problems)}" if len(problems) > 1 else "give more"
        raise InputError(f"{len(problems)} problems can't be split into {folds} folds by problem: {fewer}.")
    kinds = {tuple(isinstance(value, str) for value in one.nuisance) for one in given}
    if len(kinds) > 1:
        raise InputError("The nuisance values of the examples differ in number or kind; give each the same ones.")
    check_one_model([one.trace for one in given])


def check_reads(model: Model, what: Capability = Capability.READ) -> None:
    """Raise CapabilityError where the model's activations can't be read."""
    missing = what & ~getattr(model, "capabilities", Capability(0))
    if not isinstance(getattr(model, "capabilities", None), Capability):
        raise InputError(f"A model is needed to read activations; a {type(model).__name__} was given.")
    if missing:
        raise CapabilityError(
            f"The activations of {model.name!r} can't be read as this needs: {remedy(missing, model.backend)}."
        )


def read(model: Model, given: Sequence[Example], sites: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Activations float32 [examples, d_model] per site; one pass per trace, however many places and layers.

    Raises:
        InputError: a place is not in its trace, or the model has no such site.
        Cancelled: between two traces.
    """
    by_trace: dict[Trace | tuple[int, ...], list[int]] = defaultdict(list)
    for index, one in enumerate(given):
        by_trace[one.trace if len(one.trace.latents) else one.trace.token_ids].append(index)
    tables: dict[str, NDArray[np.float32]] = {}
    current = control.current()
    for done, (ids, indices) in enumerate(by_trace.items()):
        current.check()
        current.report(done, len(by_trace), "reading")
        with control.using(current.silent()):
            seen = model.read(ids, sites, positions=[given[i].at for i in indices])
        for site, values in seen.items():
            table = tables.setdefault(site, np.empty((len(given), values.shape[1]), np.float32))
            table[indices] = values
    current.report(len(by_trace), len(by_trace), "reading")
    return tables


def covariates(given: Sequence[Example]) -> NDArray[np.float64]:
    """What is known without the model, float64 [n, columns]: length, place, and the nuisance values as given."""
    columns: list[NDArray[np.float64]] = [np.array([[len(one.trace.token_ids), one.at] for one in given], np.float64)]
    for each in zip(*(one.nuisance for one in given), strict=True):
        if isinstance(each[0], str):
            values, index = np.unique(np.array(each, dtype=str), return_inverse=True)
            columns.append(np.eye(len(values))[index])
        else:
            columns.append(np.array(each, np.float64)[:, None])
    return np.hstack(columns)

"""What is surveyed, as data: traces or prompts by methods, seeds and models."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core import check, files
from cotlens._core.errors import CotLensError, InputError, did_you_mean
from cotlens._core.registry import resolve
from cotlens.measure.method import Method
from cotlens.measure.survey import toml
from cotlens.measure.survey.named import method_data, method_of, model_data
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "cotlens-survey/1"
_RUN = "cotlens.measure.survey.running:run"  # named, not imported: what runs plans stands above them
_NAMES = ("format", "traces", "prompts", "seeds", "max_new_tokens", "methods", "models")


@dataclass(frozen=True)
class Cell:
    """One measurement of a survey: what, how, with which seed and on which model."""

    number: int
    source: Trace | str
    method: Mapping[str, Any]
    seed: int
    model: Mapping[str, Any]
    max_new_tokens: int | None = None


@dataclass(frozen=True)
class Plan:
    """A survey before it runs; made by `cl.survey`.

    Args:
        traces: what is measured, in the tokens of the models.
        prompts: questions that each model answers first, one rollout per seed, which is then measured.
        methods: of `cl.importance`.
        seeds: one run of each method, and one rollout of each prompt, for each.
        models: arguments of `cl.load`.
        max_new_tokens: of an answer to a prompt.
    """

    traces: Traces
    prompts: tuple[str, ...]
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    models: tuple[Mapping[str, Any], ...]
    max_new_tokens: int | None = None

    def __len__(self) -> int:
        return (len(self.traces) + len(self.prompts)) * len(self.methods) * len(self.seeds) * len(self.models)

    def __repr__(self) -> str:
        what = f"{len(self.traces)} traces" if len(self.traces) else f"{len(self.prompts)} prompts"
        rest = f"{len(self.methods)} methods x {len(self.seeds)} seeds x {len(self.models)} models"
        return f"<survey of {what} x {rest}: {len(self)} cells>"

    def cells(self) -> Iterator[Cell]:
        """Every cell, those of one model together, so that a worker seldom changes it."""
        methods, number = [method_data(method) for method in self.methods], 0
        for model in self.models:
            for source in self._sources():
                for method in methods:
                    for seed in self.seeds:
                        yield Cell(number, source, method, seed, model, self.max_new_tokens)
                        number += 1

    def cost(self) -> pd.DataFrame:
        """What running it spends at most, a row per method: cells, tokens, forwards, rollouts and a status.

        What can't be known, as of prompts whose thoughts aren't written, is NaN with the reason in `status`.
        """
        import pandas as pd

        return pd.DataFrame([self._cost(method) for method in self.methods])

    def save(self, path: files.PathLike) -> None:
        """Write it as TOML, with its traces in a file beside it (`plan.traces` for `plan.toml`).

        Raises:
            InputError: the files can't be written.
        """
        target = check.path("path", path)
        values: dict[str, Any] = {"format": FORMAT}
        if len(self.traces):
            kept = target.with_suffix(".traces")
            self.traces.save(kept)
            values["traces"] = kept.name
        if self.prompts:
            values["prompts"] = self.prompts
        values["seeds"] = self.seeds
        if self.max_new_tokens is not None:
            values["max_new_tokens"] = self.max_new_tokens
        tables = {"methods": [method_data(method) for method in self.methods], "models": self.models}
        files.write_bytes(target, toml.dumps(values, tables).encode())

    def run(self, **where: Any) -> Any:
        """Measure every cell that the store doesn't have, and return a `Surveyed`.

        Takes `workers`, `ray`, `retries` and `store` of `running.run`.

        Raises:
            InputError: the store is turned off, or there are no such workers.
            Cancelled: with what was measured so far as `partial`.
        """
        return resolve(_RUN)(self, **where)

    def _sources(self) -> Iterator[Trace | str]:
        yield from self.traces
        yield from self.prompts

    def _cost(self, method: Method) -> dict[str, Any]:
        times, unknown = len(self.seeds) * len(self.models), len(self.prompts)
        spent, refused = [0, 0, 0], 0
        for trace in self.traces:
            try:
                cost = method.cost(trace)
            except CotLensError:
                refused += 1
                continue
            spent = [a + b for a, b in zip(spent, (cost.tokens, cost.forwards, cost.rollouts), strict=True)]
        status = "; ".join(
            [f"{refused} traces can't be measured by it"] * bool(refused)
            + [f"of {unknown} prompts it is known when their thoughts are written"] * bool(unknown)
        )
        known: list[float] = [float("nan")] * 3 if unknown else [one * times for one in spent]
        told = dict(zip(("tokens", "forwards", "rollouts"), known, strict=True))
        cells = (len(self.traces) + unknown) * times
        return {"method": type(method).__name__, "cells": cells, **told, "status": status or "ok"}


def survey(
    what: Traces | Trace | Iterable[Trace] | Sequence[str] | files.PathLike,
    methods: Method | Sequence[Method] | None = None,
    *,
    models: Any = None,
    seeds: int | Sequence[int] = 0,
    max_new_tokens: int | None = None,
) -> Plan:
    """Plan a survey: every trace or prompt by every method, with every seed, on every model. Nothing is run yet.

    Args:
        what: traces; or prompts, as a list of texts, which each model answers first; or the path of a plan's TOML,
            which stands for all the rest.
        methods: one or several of `cl.importance`.
        models: names for `cl.load`, or dicts of its arguments; of a trace, it must have been made with its tokens.
        seeds: one or several.
        max_new_tokens: of the answers to prompts.

    Returns:
        A `Plan`: `cost()`, `save(path)`, and `run()`, which returns a `Surveyed`.

    Raises:
        InputError: there is nothing to measure, or an argument can't be kept as data.
    """
    if methods is None and models is None and not isinstance(what, Traces | Trace):
        return from_toml(what)  # type: ignore[arg-type]
    many = [what] if isinstance(what, Trace | str) else list(what) if not isinstance(what, Traces) else what  # type: ignore[arg-type]
    prompts = tuple(one for one in many if isinstance(one, str)) if not isinstance(many, Traces) else ()
    if prompts and len(prompts) < len(many):
        raise InputError("A survey is of traces or of prompts; a list of both was given: plan two.")
    listed = list(methods) if isinstance(methods, list | tuple) else [methods]
    named = list(models) if isinstance(models, list | tuple) else [models]
    numbers = [seeds] if isinstance(seeds, int) else list(seeds)
    return _checked(Traces() if prompts else Traces(many), prompts, listed, numbers, named, max_new_tokens)  # type: ignore[arg-type]


def from_toml(path: files.PathLike) -> Plan:
    """The plan that `Plan.save` wrote, or somebody by hand; paths in it are beside it.

    Raises:
        InputError: the file can't be read, is no plan, or names something that isn't there.
    """
    target = check.path("path", path)
    try:
        data = tomllib.loads(target.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"No plan can be read from {target}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{target} is not TOML ({error}), so it is no survey's plan.") from error
    for name in data:
        if name not in _NAMES:
            raise InputError(f"{target} says {name!r}, which no plan has. {did_you_mean(name, _NAMES)}")
    if data.get("format", FORMAT) != FORMAT:
        raise InputError(f"{target} has the format {data['format']!r} and this CoTLens reads {FORMAT!r}.")
    return _checked(_traces(target, data), *_lists(target, data), data.get("max_new_tokens"))


def _traces(target: Path, data: Mapping[str, Any]) -> Traces:
    from cotlens.trace.readers.reading import read

    named = data.get("traces")
    return Traces() if named is None else read(target.parent / check.text("traces", named, of=str(target)))


def _lists(target: Path, data: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Method], list[int], list[Any]]:
    rows = {name: data.get(name, []) for name in ("prompts", "methods", "seeds", "models")}
    for name, value in rows.items():
        if not isinstance(value, list) or (name == "methods" and not all(isinstance(one, Mapping) for one in value)):
            raise InputError(f"{target} has {name} = {value!r}; give a list, as Plan.save writes it.")
    return tuple(rows["prompts"]), [method_of(one) for one in rows["methods"]], rows["seeds"] or [0], rows["models"]


def _checked(
    traces: Traces, prompts: tuple[str, ...], methods: list[Any], seeds: list[Any], models: list[Any], most: Any
) -> Plan:
    for name, given in (("methods", methods), ("models", models), ("seeds", seeds)):
        if not [one for one in given if one is not None]:
            raise InputError(f"A survey needs {name}=; give one or a list of them.")
    if bool(len(traces)) == bool(prompts):
        raise InputError("A survey needs traces or prompts to measure, and not both.")
    for method in methods:
        method_data(method)
    return Plan(
        traces,
        tuple(check.text("prompts", prompt, of="survey") for prompt in prompts),
        tuple(methods),
        tuple(check.seed(seed, of="survey") for seed in seeds),
        tuple(model_data(model) for model in models),
        None if most is None else check.whole("max_new_tokens", most, 1, of="survey"),
    )

"""What every importance method promises, run over the table of methods on the shipped reasoner.

A new method needs a line in `CASES`: its settings, and what can be asked of it beyond what all promise.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.importance import METHODS
from cotlens.models.contract import BlockAttention, Capability
from cotlens.results.table import MEASURED

QUESTION = (
    "Mia has 12 pears. She buys 7 more. It is a sunny day. She gives 4 pears to Tom. How many pears does Mia have?"
)
THOUGHT = (
    "I will keep a running total. At first there are 12 pears. Then 7 more come, so 12 + 7 = 19. "
    "The weather does not matter. Next she takes away 4, so 19 - 4 = 15. That is the whole story."
)
IDLE = "It is a sunny day. The weather does not matter. I will keep a running total. That is the whole story. " * 2
UNITS = ("token", "sentence", "paragraph", "step")
FEW = {"unit": "sentence", "n": 2, "max_new_tokens": 96}  # rollouts enough to run, not to know


def reworded(text):
    """A sentence in other words."""
    return "Now " + text[0].lower() + text[1:]


@dataclass(frozen=True)
class Case:
    """A method with settings.

    Args:
        finds: whether the decisive step must rank first, alone or with others.
        target: whether there is a `target` to name where the answer can't be read.
        metrics: whether it has metrics and refuses those that don't exist.
        plain: whether its settings are plain data, which a function is not.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    finds: bool = True
    target: bool = True
    metrics: bool = True
    plain: bool = True

    def make(self, **more):
        return METHODS.get(self.name)(**{**self.settings, **more})

    def __str__(self):
        return "-".join([self.name, *(getattr(value, "__name__", str(value)) for value in self.settings.values())])


ALL = [
    Case("EarlyAnswer", {"unit": "token"}),
    Case("EarlyAnswer", {"unit": "sentence"}),
    Case("Occlusion", {"effect": "direct", "unit": "token"}),
    Case("Occlusion", {"effect": "direct", "unit": "sentence"}),
    Case("Occlusion", {"effect": "total", "unit": "sentence"}),
    Case("Occlusion", {"effect": "total", "groups": "values"}),
    Case("Occlusion", {"mode": "mean", "unit": "sentence"}),
    Case("Occlusion", {"mode": "swap", "unit": "token"}),
    Case("Occlusion", {"mode": "swap", "unit": "sentence"}, finds=False),  # one alternative is drawn
    Case("Occlusion", {"effect": "direct", "coarse": 0.2}),
    Case("Gradient", {"method": "gradient_x_input", "unit": "sentence"}, finds=False),  # first order
    Case("Gradient", {"method": "integrated_gradients", "steps": 4}, finds=False),
    Case("Suppression", {"unit": "sentence"}, finds=False, target=False),  # what is read, not what decides
    Case("ReceiverHeads", {"unit": "sentence", "proximity": 2}, finds=False, target=False, metrics=False),
    Case("Resampling", FEW, finds=False),  # what the model would say again anyway shows no effect
    Case("Resampling", {**FEW, "budget": 24, "metric": "kl"}, finds=False),
    Case("Counterfactual", {**FEW, "embedder": "residual"}, finds=False),
    Case("Resilience", {**FEW, "rounds": 1, "embedder": "residual"}, finds=False),
    Case("Mistake", FEW),
    Case("Paraphrase", {**FEW, "rewriter": reworded}, finds=False, plain=False),
    Case("Filler", FEW, finds=False),  # the model may say it again
]
CASES = [case for case in ALL if case.name in METHODS.names()]
DECISIVE = [case for case in CASES if case.finds]
per_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def trace(model):
    """A thought with one decisive number: its last result, said once."""
    return cl.Trace.from_text(QUESTION, THOUGHT, "The answer is 15.", model=model)


@pytest.fixture(scope="module")
def result(trace, model):
    """The result of a case, measured once."""
    known = {}

    def measured(case):
        if str(case) not in known:
            known[str(case)] = case.make().run(trace, model, seed=1)
        return known[str(case)]

    return measured


def test_every_method_of_the_table_is_tested_here():
    assert {case.name for case in CASES} == set(METHODS.names())


@per_case
def test_the_same_again_with_nothing_but_what_it_declares(case, trace, model, result):
    method = case.make()
    again = method.run(trace, Limited(model, method.needs), seed=1)
    np.testing.assert_array_equal(again.columns["estimate"], result(case).columns["estimate"])
    for part in Capability:
        if part in method.needs:
            with pytest.raises(CapabilityError, match=f"needs .*{part.name}"):
                method.run(trace, Limited(model, method.needs & ~part))


@per_case
def test_rows_are_the_units_and_what_was_not_measured_says_why(case, trace, result):
    found = result(case)
    if found.unit in UNITS:
        spans = trace.spans(found.unit)
        assert list(found.columns["start"]) == [span.start for span in spans]
        assert list(found.columns["end"]) == [span.end for span in spans]
    status = found.columns["status"].astype(str)
    measured = np.isfinite(found.columns["estimate"])
    assert measured.any() or case.settings.get("method") == "integrated_gradients"
    assert all(status) and not np.isin(status[~measured], MEASURED).any()


@per_case
def test_exact_scores_claim_neither_interval_nor_significance(case, result):
    columns = result(case).columns
    exact = columns["status"] == "exact"
    for edge in ("low", "high"):
        np.testing.assert_array_equal(columns[edge][exact], columns["estimate"][exact])
    if exact.all():
        assert set(columns["n"]) == {1}
        assert not {"null_floor", "significant", "p_value"} & set(columns)


@per_case
def test_cost_bounds_what_was_spent(case, trace, result):
    spent, most = result(case).provenance.cost, case.make().cost(trace)
    assert 0 < spent.tokens <= most.tokens
    assert 0 < spent.forwards <= most.forwards


@per_case
def test_saved_and_loaded(case, trace, result, tmp_path):
    found = result(case)
    found.save(tmp_path / "result.json")
    back = cl.load_result(tmp_path / "result.json")
    assert back.provenance == found.provenance
    assert back.provenance.trace_id == trace.id
    assert back.frame().equals(found.frame())
    assert (back.sign, back.zero, back.scale_unit) == (found.sign, found.zero, found.scale_unit)
    assert back.extras["edit_type"] == case.make().edit_type
    if case.plain:
        assert METHODS.get(case.name)(**back.provenance.settings) == case.make()


@pytest.mark.parametrize("case", DECISIVE, ids=str)
def test_the_decisive_step_ranks_first(case, trace, result):
    found = result(case)
    digits = trace.text.index("= 15") + 2
    first = np.flatnonzero(found.columns["estimate"] == np.nanmax(found.columns["estimate"]))
    assert any({digits, digits + 1} & _characters(found, row, trace) for row in first), found.columns["text"][first]


@per_case
def test_a_trace_without_a_decisive_step_yields_nothing_significant(case, model):
    idle = cl.Trace.from_text(QUESTION, IDLE, "The answer is 15.", model=model)
    if "groups" in case.settings:
        idle = cl.Trace.from_text(QUESTION, IDLE + " It is day 3.", "The answer is 15.", model=model)
    found = case.make().run(idle, model, seed=1)
    assert not np.any(found.columns.get("significant", False))


@per_case
def test_cancelled_work_keeps_what_was_measured(case, trace, model, result):
    control = Control(lambda done, total, label: control.cancel() if done else None)
    with using(control):
        try:
            found = case.make().run(trace, model, seed=1)
        except Cancelled as cancelled:
            found = cancelled.partial
    assert len(found) == len(result(case))
    missing = ~np.isfinite(found.columns["estimate"])
    assert all("not measured" in status or "skipped" in status for status in found.columns["status"][missing])


@per_case
def test_settings_are_frozen_hashable_and_checked(case):
    method = case.make()
    assert {method: 1}[case.make()] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.unit = "word"
    with pytest.raises(InputError, match=r"Did you mean '(token|sentence)'"):
        METHODS.get(case.name)(unit="sentences" if "sentence" in case.settings.values() else "tokens")
    if case.metrics:
        with pytest.raises(InputError, match="metric='logits'"):
            METHODS.get(case.name)(metric="logits")


@per_case
def test_a_trace_without_thought_or_answer_is_refused(case, model):
    empty = cl.Trace.from_text("Hi", "", "The answer is 3.", model=model)
    with pytest.raises(InputError, match=r"in its thought|no number|no sentence|at least|one (token|sentence)"):
        case.make().run(empty, model)
    if case.target:
        unread = cl.Trace.from_text("Hi", "Then 3 + 4 = 7. It is a sunny day.", "I do not know.", model=model)
        with pytest.raises(InputError, match="could not be read"):
            case.make().run(unread, model)
        assert len(case.make(target="7").run(unread, model)) > 0


class Limited:
    """A model that can do no more than it declares."""

    CALLS = {  # noqa: RUF012
        "reason": Capability.GENERATE,
        "resume": Capability.GENERATE,
        "rollouts": Capability.GENERATE,
        "score": Capability.SCORE,
        "divergence": Capability.HIDE,
        "read": Capability.READ,
        "attention": Capability.READ,
        "gradient": Capability.GRADIENT,
    }

    def __init__(self, model, capabilities):
        self._model, self.capabilities = model, capabilities

    def __getattr__(self, name):
        return getattr(self._model, name) if name not in self.CALLS else lambda *a, **k: self._call(name, *a, **k)

    def _call(self, name, *args, interventions=(), **options):
        assert self.CALLS[name] in self.capabilities, f"{name} was not declared"
        changes = [interventions] if not isinstance(interventions, tuple | list) else list(interventions)
        if not all(isinstance(change, BlockAttention) for change in changes):
            assert Capability.WRITE in self.capabilities, "an intervention was not declared"
        hidden = name == "score" and any(branch.hidden for branch in args[1])
        if hidden or any(isinstance(change, BlockAttention) for change in changes):
            assert Capability.HIDE in self.capabilities, "hiding was not declared"
        more = {"interventions": interventions} if changes else {}
        return getattr(self._model, name)(*args, **options, **more)


def _characters(found, row, trace):
    """Every character of the trace that is in a token of the row."""
    columns = found.columns
    places = found.extras.get("members", {row: [(columns["start"][row], columns["end"][row])]})[row]
    return {char for start, end in places for char in range(int(trace.offsets[start]), int(trace.offsets[end]))}


def test_filler_does_nothing_beside_the_decisive_step(result):
    for case in CASES:
        if case.name == "Occlusion" and case.settings.get("unit") == "sentence" and case.settings.get("mode") is None:
            frame = result(case).frame()
            filler = frame[frame["text"].str.contains("weather|whole story|running")]
            assert len(filler) == 3
            assert (filler["estimate"].abs() < 0.2 * frame["estimate"].max()).all()


def test_a_long_run_stops_where_it_is_when_cancelled(model, trace):
    long = cl.Trace.from_text(trace.prompt, " ".join([trace.thought] * 12), trace.answer, model=model)

    def look(done, total, label):
        if 0 < done < total:
            control.cancel()

    control = Control(look)
    with using(control), pytest.raises(Cancelled) as stopped:
        cl.importance.Occlusion(effect="total").run(long, model)
    partial = stopped.value.partial
    assert len(partial) == len(long.spans("token"))
    assert np.isnan(partial.columns["estimate"]).any(), "it went on to the end"


@pytest.mark.parametrize("name", ["Resampling", "Counterfactual", "Resilience"])
def test_what_is_sampled_is_seen_before_all_of_it_is_there(name, trace, model):
    seen = []

    def look(done, total, label):
        if control.partial is not None and done < total:
            seen.append(np.isfinite(control.partial().columns["estimate"]).sum())

    settings = {} if name == "Resampling" else {"embedder": "exact"}
    control = Control(look)
    with using(control):
        METHODS.get(name)(n=8, **settings).run(trace, model)
    assert max(seen) > 0

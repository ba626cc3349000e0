"""What every importance method promises, run over the table of methods on the shipped reasoner."""

import dataclasses
import threading

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.importance import METHODS
from cotlens.models.contract import Capability

CASES = [
    pytest.param(name, settings, id=f"{name}-{'-'.join(settings.values())}")
    for name, settings in [
        ("EarlyAnswer", {"unit": "token"}),
        ("EarlyAnswer", {"unit": "sentence"}),
        ("Occlusion", {"effect": "direct", "unit": "token"}),
        ("Occlusion", {"effect": "direct", "unit": "sentence"}),
        ("Occlusion", {"effect": "total", "unit": "token"}),
        ("Occlusion", {"effect": "total", "unit": "sentence"}),
    ]
]


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(model):
    """A thought with one decisive number: its last result, said once."""
    return cl.Trace.from_text(
        "Mia has 12 pears. She buys 7 more. It is a sunny day. She gives 4 pears to Tom. How many pears does Mia have?",
        "I will keep a running total. At first there are 12 pears. Then 7 more come, so 12 + 7 = 19. "
        "The weather does not matter. Next she takes away 4, so 19 - 4 = 15. That is the whole story.",
        "The answer is 15.",
        model=model,
    )


def test_every_method_of_the_table_is_tested_here():
    assert {case.values[0] for case in CASES} == set(METHODS.names())


@pytest.mark.parametrize(("name", "settings"), CASES)
class TestMethod:
    def run(self, name, settings, trace, model):
        return METHODS.get(name)(**settings).run(trace, model)

    def test_deterministic(self, name, settings, trace, model):
        first, again = self.run(name, settings, trace, model), self.run(name, settings, trace, model)
        np.testing.assert_array_equal(first.columns["estimate"], again.columns["estimate"])

    def test_rows_are_the_units_and_all_are_measured(self, name, settings, trace, model):
        result = self.run(name, settings, trace, model)
        spans = trace.spans(settings["unit"])
        assert list(result.columns["start"]) == [span.start for span in spans]
        assert list(result.columns["end"]) == [span.end for span in spans]
        assert set(result.columns["status"]) == {"exact"}
        assert np.isfinite(result.columns["estimate"]).all()

    def test_cost_bounds_what_was_spent(self, name, settings, trace, model):
        method = METHODS.get(name)(**settings)
        spent, most = method.run(trace, model).provenance.cost, method.cost(trace)
        assert 0 < spent.tokens <= most.tokens
        assert 0 < spent.forwards <= most.forwards

    def test_saved_and_loaded(self, name, settings, trace, model, tmp_path):
        result = self.run(name, settings, trace, model)
        result.save(tmp_path / "result.json")
        back = cl.load_result(tmp_path / "result.json")
        assert back.provenance == result.provenance
        assert back.provenance.trace_id == trace.id
        assert back.frame().equals(result.frame())
        assert back.sign == result.sign
        assert "'15'" in back.sign

    def test_the_decisive_step_ranks_first(self, name, settings, trace, model):
        result = self.run(name, settings, trace, model)
        top = int(np.argmax(result.columns["estimate"]))
        start = trace.text.index("= 15")
        offsets = trace.offsets
        said = range(int(offsets[result.columns["start"][top]]), int(offsets[result.columns["end"][top]]))
        assert set(said) & set(range(start + 2, start + 5)), result.columns["text"][top]

    def test_hiding_filler_does_nothing_beside_it(self, name, settings, trace, model):
        if name != "Occlusion" or settings["unit"] != "sentence":
            return
        frame = self.run(name, settings, trace, model).frame()
        largest = frame["estimate"].max()
        filler = frame[frame["text"].str.contains("weather|whole story|running")]
        assert len(filler) == 3
        assert (filler["estimate"].abs() < 0.2 * largest).all()

    def test_only_declared_needs_are_used(self, name, settings, trace, model):
        method = METHODS.get(name)(**settings)
        limited = Limited(model, Capability.GENERATE)
        with pytest.raises(CapabilityError, match="needs SCORE"):
            method.run(trace, limited)

    def test_cancelled_work_keeps_what_was_measured(self, name, settings, trace, model):
        control = Control(lambda done, total, label: control.cancel() if done else None)
        method = METHODS.get(name)(**settings)
        with using(control):
            try:
                result = method.run(trace, model)
            except Cancelled as cancelled:
                result = cancelled.partial
        assert len(result) == len(trace.spans(settings["unit"]))
        missing = ~np.isfinite(result.columns["estimate"])
        assert all("not measured" in status for status in result.columns["status"][missing])

    def test_settings_are_frozen_and_checked(self, name, settings, trace, model):
        method = METHODS.get(name)(**settings)
        with pytest.raises(dataclasses.FrozenInstanceError):
            method.unit = "word"
        with pytest.raises(InputError, match="Did you mean 'token'"):
            METHODS.get(name)(unit="tokens")
        with pytest.raises(InputError, match="logit_difference"):
            METHODS.get(name)(metric="logits")

    def test_a_trace_without_thought_or_answer_is_refused(self, name, settings, trace, model):
        method = METHODS.get(name)(**settings)
        with pytest.raises(InputError, match=r"no (token|sentence) in its thought"):
            method.run(cl.Trace.from_text("Hi", "", "The answer is 3.", model=model), model)
        unread = cl.Trace.from_text("Hi", "Then 3 + 4 = 7.", "I do not know.", model=model)
        with pytest.raises(InputError, match="could not be read"):
            method.run(unread, model)
        assert len(METHODS.get(name)(**settings, target="7").run(unread, model)) > 0


class Limited:
    """A model that declares less than it can do."""

    def __init__(self, model, capabilities):
        self._model, self.capabilities = model, capabilities

    def __getattr__(self, name):
        return getattr(self._model, name)


def test_a_long_run_is_cancelled_within_half_a_second(model, trace):
    import time

    long = cl.Trace.from_text(trace.prompt, " ".join([trace.thought] * 12), trace.answer, model=model)
    control, ended = Control(), []

    def work():
        with using(control):
            try:
                cl.importance.Occlusion(effect="total").run(long, model)
            except Cancelled as cancelled:
                ended.append((time.monotonic(), cancelled.partial))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1.0)
    asked = time.monotonic()
    control.cancel()
    thread.join(20)
    assert ended, "the run ended before it could be cancelled"
    assert ended[0][0] - asked < 1.0  # half a second, and as much again for busy cores
    assert len(ended[0][1]) == len(long.spans("token"))


def test_unknown_methods_suggest_near_ones():
    with pytest.raises(InputError, match="Occlusion"):
        METHODS.get("Oclusion")

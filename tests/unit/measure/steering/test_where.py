import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.steering import Steering, Vector
from cotlens.measure.steering.judging import controls
from cotlens.measure.steering.where import Ends, as_steerings, in_thought, interventions, positions
from cotlens.models.contract.interventions import EVER
from cotlens.trace import Span, Trace

TRACE = Trace.from_text("How many?", "First 3, then 4.", "It is 7.")
VECTOR = Vector("v", 0, np.ones(4), 1.0)
THOUGHT = TRACE.roles["thought"]


def test_places_are_token_positions():
    at, ends = THOUGHT.start + 1, Ends(THOUGHT.end, THOUGHT.end + 1)
    assert positions("all", TRACE, at) is None
    assert positions("from here on", TRACE, at) == range(at, EVER)
    assert positions("thought", TRACE, at) == range(THOUGHT.start, EVER)
    assert positions("thought", TRACE, at, ends) == range(THOUGHT.start, THOUGHT.end)
    assert len(positions("answer", TRACE, at)) == 0
    assert positions("answer", TRACE, at, ends) == range(THOUGHT.end + 1, EVER)
    assert positions(THOUGHT, TRACE, at) == range(THOUGHT.start, THOUGHT.end)


def test_a_span_beyond_the_trace_is_refused():
    with pytest.raises(InputError, match="beyond this trace"):
        positions(Span(0, 999, 0, 999, "token"), TRACE, 1)


def test_unknown_places_are_refused_with_near_names():
    with pytest.raises(InputError, match="'thought'"):
        Steering(VECTOR, 1.0, "thougt")


def test_steerings_may_be_given_as_tuples():
    one = Steering(VECTOR, 0.5, "thought")
    assert as_steerings(one) == as_steerings((VECTOR, 0.5, "thought")) == as_steerings([(VECTOR, 0.5, "thought")])
    assert as_steerings(()) == ()
    assert as_steerings((VECTOR, 0.5))[0].where == "all"
    with pytest.raises(InputError, match="no steering"):
        as_steerings(["thought"])


def test_several_vectors_are_added_at_once_and_zeros_are_left_out():
    chosen = as_steerings([(VECTOR, 0.5, "all"), (VECTOR, 0.0, "all"), (VECTOR, 1.0, "answer"), (VECTOR, 2.0, THOUGHT)])
    assert [change.coefficient for change in interventions(chosen, TRACE, 3)] == pytest.approx([0.25, 1.0])
    assert in_thought(chosen) and not in_thought(chosen[:2])


def test_controls_have_directions_of_their_own():
    first, second = controls(as_steerings([(VECTOR, 0.5, "all"), (VECTOR, 0.5, "all")]), 3)
    assert first.coefficient == 0.5 and first.vector.norm == pytest.approx(VECTOR.norm)
    assert not np.array_equal(first.vector.values, second.vector.values)

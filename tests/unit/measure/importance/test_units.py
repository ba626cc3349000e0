"""Which stretches of a thought are measured: cut, given by hand, or grouped."""

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared import groups, units
from cotlens.measure.importance.shared.table import units as cut
from cotlens.measure.method import as_data
from cotlens.trace import Span

THOUGHT = "First 12 pears. Then 7 more, so 12 + 7 = 19. It is 1,200 or 1200."


@pytest.fixture
def trace():
    return cl.Trace.from_text("How many pears?", THOUGHT, "The answer is 19.")


def chars(trace, text, after=0):
    start = trace.text.index(text, after)
    return start, start + len(text)


def test_units_are_the_traces_own(trace):
    assert cut(trace, "sentence") == trace.spans("sentence")
    with pytest.raises(InputError, match="no sentence in its thought"):
        cut(cl.Trace.from_text("Hi", "", "3"), "sentence")


def test_given_spans_get_their_tokens_in_the_order_of_the_text(trace):
    second, first = chars(trace, "Then 7 more"), chars(trace, "12 pears")
    found = cut(trace, "span", [second, first])
    assert [(span.char_start, span.char_end) for span in found] == [first, second]
    assert all(span.unit == "span" for span in found)
    for span in found:
        held = trace.text[int(trace.offsets[span.start]) : int(trace.offsets[span.end])]
        assert trace.text[span.char_start : span.char_end] in held


def test_spans_of_the_trace_keep_their_tokens(trace):
    sentences = trace.spans("sentence")
    found = cut(trace, "span", sentences)
    assert [(span.start, span.end) for span in found] == [(span.start, span.end) for span in sentences]


def test_spans_that_make_no_units_are_refused(trace):
    thought = trace.roles["thought"]
    with pytest.raises(InputError, match="leaves the thought"):
        cut(trace, "span", [chars(trace, "How many")])
    with pytest.raises(InputError, match="leaves the thought"):
        cut(trace, "span", [(thought.char_start - 1, thought.char_start + 5)])
    with pytest.raises(InputError, match="leaves the thought"):
        cut(trace, "span", [Span(0, 2, thought.char_start, thought.char_start + 5, "token")])
    with pytest.raises(InputError, match="empty"):
        cut(trace, "span", [(thought.char_start, thought.char_start)])
    with pytest.raises(InputError, match="overlap in token"):
        cut(trace, "span", [chars(trace, "12 pears"), chars(trace, "pears.")])
    with pytest.raises(InputError, match="no thought"):
        cut(cl.Trace.from_text("Hi", "", "3"), "span", [(0, 1)])


@pytest.mark.parametrize("method", [cl.importance.Occlusion, cl.importance.EarlyAnswer])
class TestSettings:
    def test_spans_are_kept_hashable_and_survive_as_data(self, method, trace):
        given = [chars(trace, "12 pears"), trace.spans("sentence")[1]]
        made = method(spans=given)
        assert made.unit == "span"
        assert isinstance(made.spans, tuple)
        assert hash(made) == hash(method(spans=tuple(given)))
        data = as_data(made)
        assert data["spans"][0] == list(given[0])
        assert method(**data) == made

    def test_what_are_no_spans_is_refused(self, method, trace):
        for wrong in ("12 pears", 3, [3], [(1, 2, 3)], [("a", "b")], [{"start": 3}]):
            with pytest.raises(InputError, match="Span"):
                method(spans=wrong)
        with pytest.raises(InputError, match="no spans"):
            method(spans=[])
        with pytest.raises(InputError, match="unit='span'"):
            method(unit="span")


def test_copies_of_a_value_are_one_group(trace):
    found = groups.find(trace, "values")
    assert [(group.text, len(group.spans)) for group in found] == [
        ("12 (2×)", 2), ("7 (2×)", 2), ("19 (1×)", 1), ("1200 (2×)", 2),
    ]  # fmt: skip
    twelve = found[0]
    assert twelve.tokens == tuple(t for span in twelve.spans for t in range(span.start, span.end))
    assert (twelve.start, twelve.end) == (twelve.spans[0].start, twelve.spans[-1].end)


def test_given_groups_may_share_tokens_but_not_within_one(trace):
    first, whole = chars(trace, "12 pears"), chars(trace, "First 12 pears")
    assert len(groups.find(trace, ((first,), (whole,)))) == 2
    with pytest.raises(InputError, match="overlap"):
        groups.find(trace, ((first, whole),))
    with pytest.raises(InputError, match="no number"):
        groups.find(cl.Trace.from_text("Hi", "It is a sunny day.", "3"), "values")


def test_groups_as_settings(trace):
    made = cl.importance.Occlusion(groups=[[chars(trace, "12 pears")], [chars(trace, "19")]])
    assert made.unit == "group"
    assert cl.importance.Occlusion(**as_data(made)) == made
    assert hash(made) == hash(cl.importance.Occlusion(groups=made.groups))
    with pytest.raises(InputError, match="'values'"):
        cl.importance.Occlusion(groups="value")
    with pytest.raises(InputError, match="no groups"):
        cl.importance.Occlusion(groups=[])
    with pytest.raises(InputError, match="no spans"):
        cl.importance.Occlusion(groups=[[]])
    with pytest.raises(InputError, match="groups=3"):
        cl.importance.Occlusion(groups=3)
    with pytest.raises(InputError, match="both spans and groups"):
        cl.importance.Occlusion(groups="values", spans=[(1, 2)])


def test_what_occlusion_cannot_mean_is_refused():
    make = cl.importance.Occlusion
    assert make().effect == "direct"
    assert make(mode="mean").effect == make(mode="swap").effect == "total"
    for mode in ("mean", "swap"):
        with pytest.raises(InputError, match="no direct effect"):
            make(mode=mode, effect="direct")
    with pytest.raises(InputError, match="not a group"):
        make(mode="swap", groups="values")
    with pytest.raises(InputError, match="a share from 0"):
        make(coarse=2)
    with pytest.raises(InputError, match="use unit='token'"):
        make(coarse=0.1, unit="sentence")
    with pytest.raises(InputError, match="'hide'"):
        make(mode="hidden")


def test_settings_as_data_name_what_is_not_data(trace):
    assert as_data({"trace": trace, "fn": chars, "many": (1, [2.5, None])}) == {
        "trace": {"trace": trace.id},
        "fn": "chars",
        "many": [1, [2.5, None]],
    }
    assert units.as_places("Occlusion", None) is None

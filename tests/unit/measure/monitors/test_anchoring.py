"""Quotes are found word for word, but for spaces and signs, as a suggestion, or not at all, and never by guess."""

import pytest

import cotlens as cl
from cotlens.measure.monitors.prompt import seen

THOUGHT = (
    "She starts with 12 pears.  She “buys” 7 more,\nso 12 + 7 = 19 pears — not fewer. "
    "Then Tom gets 4. Then Ann gets 4. The result is not divisible by five at all."
)
TRACE = cl.Trace.from_text("How many?", THOUGHT, "11")
TEXT = seen(TRACE, "thought+answer")


def found(quote, sentence=None):
    anchor = TEXT.anchor(quote, sentence)
    said = None if anchor.span is None else TRACE.text[anchor.span.char_start : anchor.span.char_end]
    return anchor.anchor, said


@pytest.mark.parametrize(
    ("quote", "sentence", "anchor", "said"),
    [
        ("She starts with 12 pears.", None, "exact", "She starts with 12 pears."),
        ('"She starts with 12 pears"', None, "exact", "She starts with 12 pears"),
        ("12 + 7 = 19", 2, "exact", "12 + 7 = 19"),
        ("12 + 7 = 19", None, "unlocated", None),  # too short to say where it is from
        ("12 + 7 = 19", 1, "unlocated", None),  # the sentence that is named doesn't say it
        ("gets 4", 3, "exact", "gets 4"),
        ("gets 4", None, "unlocated", None),
        ("11", 6, "exact", "11"),  # of the answer
        ('she "buys" 7 more, so 12 + 7 = 19 pears - not fewer', None, "normalised", None),
        ("The result is divisible by five at all.", None, "fuzzy", None),
        ("He multiplies both sides by the square root of two.", None, "unlocated", None),
        ("", 1, "unlocated", None),
    ],
)
def test_a_quote_is_found_by_the_ladder(quote, sentence, anchor, said):
    way, text = found(quote, sentence)
    assert way == anchor
    if said is not None:
        assert text == said
    if anchor in ("normalised", "fuzzy"):
        assert text in THOUGHT and len(text) > 20


def test_a_sentence_is_found_in_its_own_signs_though_its_quote_stands_elsewhere():
    trace = cl.Trace.from_text("?", "First 3 * 4 is 12. Again 3 * 4 is so.\n\n3 × 4\n\nSo 12.", "12")
    text = seen(trace, "thought")
    number = next(at for at, span in enumerate(text.sentences, 1) if "×" in trace.text[span.char_start : span.char_end])
    anchor = text.anchor("3 * 4", number)
    assert anchor.anchor == "normalised" and trace.text[anchor.span.char_start : anchor.span.char_end] == "3 × 4"


def test_a_dropped_not_is_a_suggestion_however_alike():
    anchor = TEXT.anchor("The result is divisible by five at all.")
    assert anchor.similarity > 0.9 and anchor.anchor == "fuzzy"


def test_spans_hold_their_words_where_characters_change_length():
    trace = cl.Trace.from_text("?", "ﬁne work on the ½ of İstanbul’s straße, it says so plainly.", "1")
    anchor = seen(trace, "thought").anchor("Fine work on the 1⁄2 of i̇stanbul's STRASSE")
    assert anchor.anchor == "normalised"
    assert trace.text[anchor.span.char_start : anchor.span.char_end] == "ﬁne work on the ½ of İstanbul’s straße"
    assert "".join(trace.tokens[anchor.span.start : anchor.span.end]).strip().startswith("ﬁne")


def test_a_long_text_and_a_hostile_quote_take_no_time():
    trace = cl.Trace.from_text("?", "It goes on and on, 1 + 1 = 2. " * 3000, "2")
    text = seen(trace, "thought")
    assert text.anchor("a" * 10**6).anchor == "unlocated"
    assert text.anchor("It went over and under, 2 + 2 = 5, and so on.").anchor == "unlocated"

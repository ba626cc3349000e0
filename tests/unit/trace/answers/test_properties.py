"""What holds for any value and any text: normal forms, places, forms, and texts that were cut off."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cotlens.trace import Boxed, Choice, FinalAnswer, Function, Number, Regex
from cotlens.trace.answers.numbers import numerals

READERS = [FinalAnswer(), Number(), Boxed(), Choice(), Regex(r"\w+"), Function(str.title)]
SENTENCES = [
    "", "It took 3 steps.", "Let me check that.", "First, 5 + 6 = 11.", "Option A is wrong.", "There were 12 of them!",
    "Why is it so?", "Step 2: done.", "A dog barks.", "$x$ stands for it.", "In 1999 it was 7.5 %.",
]  # fmt: skip
PIECES = ["The answer is ", "Answer: ", "\\boxed{", "}", "$", "\\frac", "{", "3", "1,234", "–", "-", "(B)", " B", "not ",
          "is wrong", " million", "x^2", "\n", "**", ".", " ", "½", "\u202f", "#### "]  # fmt: skip

numbers = st.one_of(
    st.integers(-(10**7), 10**7),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**7), max_value=10**7, places=2),
)
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))


def ways(value):
    """Ways to write a number."""
    grouped = f"{value:,f}" if not isinstance(value, int) else f"{value:,}"
    yield from (str(value), grouped, grouped.replace(",", "\u202f"), grouped.replace(",", "{,}"), grouped.replace(",", "'"))
    yield from (grouped.replace("-", "\u2212"), grouped.replace(",", "\\,"))


@given(numbers)
def test_a_number_is_one_value_however_it_is_written(value):
    for reader in (Number(), Boxed(), FinalAnswer()):
        found = {reader.normal(written) for written in ways(value)}
        assert len(found) == 1
        assert Fraction(found.pop()) == Fraction(value)


@given(st.integers(-400, 400), st.integers(1, 400))
def test_a_fraction_is_worth_what_it_says(over, under):
    for written in (f"{over}/{under}", f"\\frac{{{over}}}{{{under}}}", f"\\dfrac{{{over}}}{{{under}}}"):
        for reader in (Number(), FinalAnswer(), Boxed()):
            assert Fraction(reader.normal(written)) == Fraction(over, under)


@given(st.integers(1, 999), st.integers(1, 40), st.integers(2, 40))
def test_a_mixed_number_is_worth_its_sum(whole, over, under):
    if over < under:
        for written in (f"{whole} {over}/{under}", f"{whole}\\frac{{{over}}}{{{under}}}"):
            assert Fraction(Number().normal(written)) == whole + Fraction(over, under)


@given(texts)
@example("- 5")
@example("{(((((((1)))))))}")
def test_what_is_read_stands_in_the_text_and_is_in_normal_form(text):
    for reader in READERS:
        answer = reader.read(text)
        if answer is not None:
            assert text[answer.start : answer.end] == answer.surface
            if not isinstance(reader, Function):
                assert reader.normal(answer.surface) == answer.text == reader.normal(answer.text)


@given(texts)
def test_numerals_are_in_order_and_apart(text):
    found = list(numerals(text))
    assert all(one.start < one.end for one in found)
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("reader", [FinalAnswer(), Number(), Boxed()], ids=lambda reader: reader.name)
@given(value=numbers, before=st.sampled_from(SENTENCES), after=st.sampled_from(SENTENCES), data=st.data())
def test_a_value_in_any_form_is_read_back(reader, value, before, after, data):
    surface = data.draw(st.sampled_from(sorted(ways(value))))
    for form in reader.forms:
        answer = reader.read(f"{before} {form.suffix}{surface}{form.terminator} {after}")
        assert (answer.surface, answer.form) == (surface, form.name)
        assert Fraction(answer.text) == Fraction(value)


@given(st.sampled_from("ABCD"), st.sampled_from(SENTENCES), st.sampled_from(SENTENCES))
def test_a_letter_is_read_back(letter, before, after):
    for form in Choice().forms:
        assert Choice().read(f"{before} {form.suffix}{letter}{form.terminator} {after}").text == letter


@given(values=st.lists(st.integers(100, 99_999), min_size=1, max_size=3), data=st.data())
def test_no_cut_makes_another_value(values, data):
    """Cut anywhere, a text gives one of the values that it states in full, or none."""
    for reader in (FinalAnswer(), Number(), Boxed()):
        form = data.draw(st.sampled_from(reader.forms))
        said = [data.draw(st.sampled_from(SENTENCES)) + f" {form.suffix}{value:,}{form.terminator} " for value in values]
        text = "".join(said)
        allowed = {None, *map(str, values)}
        for cut in range(len(text)):
            answer = reader.read(text[:cut], finished=False)
            assert (answer and answer.text) in allowed
        assert reader.read(text, finished=False).text == reader.read(text).text == str(values[-1])


ENDINGS = ["", ".", ". ", ".\n", "**", "$", ")", "}", " apples", " apples ", " because ", ", so", " or", " million", "\n\n"]


@given(
    st.sampled_from(["The answer is ", "Answer: ", "#### ", "The answer is **", "The answer is $", "\\boxed{", "So ("]),
    st.sampled_from(["15", "1,5", "3/4", "-$5", "B", "Paris", "1.5", "\\frac{3}{4}", "x = 5", "2 + 3"]),
    st.sampled_from(ENDINGS),
    st.text("0123456789.,/%^ })]eBx–-=*$\n", max_size=6),
)
def test_what_is_read_of_a_cut_text_stands_however_it_goes_on(lead, value, ending, more):
    for reader in (FinalAnswer(), Number(), Boxed(), Choice()):
        answer = reader.read(lead + value + ending, finished=False)
        if answer is not None:
            later = reader.read(lead + value + ending + more)
            assert (later.text, later.start, later.end) == (answer.text, answer.start, answer.end)

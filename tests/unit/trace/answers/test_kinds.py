"""Every reader on what models write, by kind: a few hundred texts, each with its right value and its exact place."""

import pytest

from cotlens.trace.answers import Boxed, Choice, FinalAnswer, Number
from cotlens.trace.values.normal import normal_form
from tests.unit.trace.answers import finals, letters, numbers, values


def rows(kinds):
    return [pytest.param(*row, id=f"{kind}-{row[0][-40:]!r}") for kind, table in kinds.items() for row in table]


def check(reader, text, value, surface):
    answer = reader.read(text)
    assert answer is not None
    assert (answer.text, answer.surface) == (value, surface)
    assert text[answer.start : answer.end] == surface
    assert reader.normal(surface) == reader.normal(value) == value
    return answer


@pytest.mark.parametrize(("text", "value", "surface"), rows(numbers.KINDS))
def test_number(text, value, surface):
    assert check(Number(), text, value, surface).form == "number"


@pytest.mark.parametrize("text", numbers.NONE)
def test_no_number(text):
    assert Number().read(text) is None


OTHERWISE = (  # read on purpose in another way: the words that are said, the box before what is said
    "The answer is clearly the second one, B.",
    "\\boxed{A}. Hmm, no: the answer is B.",
)


@pytest.mark.parametrize("text", [text for kind in letters.KINDS.values() for text, _ in kind if text not in OTHERWISE])
def test_the_default_reader_reads_a_choice(text):
    answer, choice = FinalAnswer().read(text), Choice(letters="ABCDEFGHIJ").read(text)
    assert answer is not None and choice is not None
    assert answer.text.upper() == choice.text


@pytest.mark.parametrize(("text", "value"), rows(letters.KINDS))
def test_choice(text, value):
    answer = Choice().read(text)
    assert answer is not None
    assert (answer.text, answer.surface.upper(), answer.form) == (value, value, "choice")
    assert text[answer.start : answer.end] == answer.surface


@pytest.mark.parametrize(("text", "value"), letters.MORE_LETTERS)
def test_choice_of_ten(text, value):
    assert Choice("ABCDEFGHIJ").read(text).text == value


@pytest.mark.parametrize("reader", [Choice(), Choice("ABCDEFGHIJ")], ids=["four", "ten"])
@pytest.mark.parametrize("text", letters.NONE)
def test_no_choice(reader, text):
    assert reader.read(text) is None


@pytest.mark.parametrize(
    ("form", "text", "value", "surface"),
    [pytest.param(form, *row, id=f"{form}-{row[0][-40:]!r}") for form, table in finals.KINDS.items() for row in table],
)
def test_final_answer(form, text, value, surface):
    assert check(FinalAnswer(), text, value, surface).form == form


@pytest.mark.parametrize("text", finals.NONE)
def test_no_final_answer(text):
    assert FinalAnswer().read(text) is None


@pytest.mark.parametrize(("text", "value", "surface"), [pytest.param(*row, id=row[0]) for row in finals.BOXED])
def test_boxed(text, value, surface):
    assert check(Boxed(), text, value, surface).form == "boxed"


@pytest.mark.parametrize("text", ["", "no box", r"\boxed{", r"\boxed{}", r"\boxed", r"\boxed{\frac{1}{2}", "boxes {5}"])
def test_no_box(text):
    assert Boxed().read(text) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [pytest.param(*group, id=f"{kind}-{group[0]}") for kind, groups in values.GROUPS.items() for group in groups],
)
def test_what_means_the_same_is_one_group(value, written):
    assert {one: normal_form(one) for one in [value, *written]} == dict.fromkeys([value, *written], value)


@pytest.mark.parametrize(("one", "other"), values.DIFFERENT)
def test_what_means_another_thing_is_another_group(one, other):
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    ("box", "others"),
    [
        (r"\boxed{3 4}", ("7", "34", "12")),
        (r"\boxed{12\ 34}", ("46", "1234")),
        (r"\boxed{5 \text{--} 7}", ("12", "-2")),
        (r"\boxed{5\text{ to }7}", (r"\boxed{7\text{ to }5}", "35ot")),
        (r"\boxed{1\text{ out of }5}", (r"\boxed{5\text{ out of }1}",)),
    ],
)
def test_numbers_side_by_side_are_not_reckoned_with(box, others):
    value = Boxed().read(box).text
    assert value not in [one if not one.startswith("\\") else Boxed().read(one).text for one in others]


@pytest.mark.parametrize("text", ["The answer is - 5.", "The answer is - $5.", "So the total is - 5 now."])
def test_a_lead_makes_a_minus_of_a_dash_that_stands_apart(text):
    assert Number().read(text).text == FinalAnswer().read(text).text == "-5"

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotlens._core.errors import InputError
from cotlens.trace import Answer, AnswerReader, Boxed, Choice, Function, Number, Regex


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is 7.", "7"),
        ("It is 7.0", "7"),
        ("It is 1,234.50 in all", "1234.5"),
        ("first 3, then 4", "4"),
        ("one of 1,2", "2"),
        ("-5", "-5"),
        ("\u22125", "-5"),
        ("x = -0.50", "-0.5"),
        ("-0", "0"),
        ("007", "7"),
        ("10-5", "5"),
        (".25", "0.25"),
        ("1e3 metres", "1000"),
        ("$1,000,000!", "1000000"),
        ("**42**", "42"),
        ("答案是7。", "7"),
        ("it is...7", "7"),
        ("12 and model Q3b", "12"),
        ("100", "100"),
        ("5kg", "5"),
    ],
)
def test_number(text, value):
    answer = Number().read(text)
    assert answer is not None
    assert answer.text == value
    assert text[answer.start : answer.end].strip("-\u2212.")[0].isdigit()


@pytest.mark.parametrize("text", ["", "none at all", "x1"])
def test_no_number(text):
    assert Number().read(text) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3))
def test_equal_numbers_read_equal(value):
    written = [f"{value:f}", f"{value:,f}", f"{value:f}000", f"= {value:f}."]
    assert len({Number().read(text).text for text in written}) == 1
    assert float(Number().read(written[0]).text) == float(value)


@given(st.text(max_size=60))
def test_readers_take_any_text(text):
    for reader in (Number(), Boxed(), Choice(), Regex(r"\w+"), Function(str.title)):
        answer = reader.read(text)
        assert answer is None or 0 <= answer.start <= answer.end <= len(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"so \boxed{12}", "12"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\dfrac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{ 7.0 }", "7"),
        (r"\boxed{1{,}234}", "1234"),
        (r"\boxed{10\,000}", "10000"),
        (r"\boxed{\text{red}}", "red"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{3} and \boxed{4", "3"),
        (r"\boxed {x}", "x"),
        (r"\boxed{\left(1, 2\right)}", "(1, 2)"),
    ],
)
def test_boxed(text, value):
    assert Boxed().read(text).text == value


def test_boxed_place():
    text = r"so \boxed{\frac{1}{2}}."
    answer = Boxed().read(text)
    assert text[answer.start : answer.end] == r"\frac{1}{2}"
    assert Boxed().read("no box") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is B.", "B"),
        ("The answer is (C)", "C"),
        ("Answer: **D**", "D"),
        ("A dog is an animal, so the answer is B.", "B"),
        ("B", "B"),
        ("It must be (A).", "A"),
        (r"Therefore \boxed{C}.", "C"),
        (r"The answer is \boxed{\text{D}}", "D"),
        ("The answer is A. No, the answer is B.", "B"),
        ("Option C fits, so C.", "C"),
        ("The answer is A because B is wrong.", "A"),
    ],
)
def test_choice(text, value):
    answer = Choice().read(text)
    assert answer.text == value == text[answer.start : answer.end]


@pytest.mark.parametrize("text", ["", "A dog barks.", "The answer is unclear.", "ABBA"])
def test_no_choice(text):
    assert Choice().read(text) is None


@pytest.mark.parametrize("letters", ["", "AA", "A-C", "A B"])
def test_choice_letters_are_checked(letters):
    with pytest.raises(InputError, match="different letters"):
        Choice(letters)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [(r"#### (\S+)", "8"), (r"(?P<other>\d) (?P<answer>\d)", "4"), (r"\d", "8")],
)
def test_regex(pattern, value):
    assert Regex(pattern).read("#### 7, 3 4, #### 8").text == value


def test_regex_without_match_and_with_an_empty_group():
    assert Regex(r"\d").read("none") is None
    assert Regex(r"a(b)?").read("a") is None
    with pytest.raises(InputError, match="is not a regular expression"):
        Regex("(")


def test_function():
    assert Function(lambda text: None).read("x") is None
    assert Function(lambda text: 7).read("it is 7 now") == Answer("7", 6, 7)
    assert Function(lambda text: "seven").read("it is 7") == Answer("seven", 0, 7)
    assert Function(lambda text: Answer("q", 1, 2)).read("xqx") == Answer("q", 1, 2)


@pytest.mark.parametrize("reader", [Number(), Boxed(), Choice(), Regex("a"), Function(len)])
def test_readers_say_how_to_force_an_answer(reader):
    assert isinstance(reader, AnswerReader)
    assert isinstance(reader.suffix, str)
    assert isinstance(reader.terminator, str)
    assert reader.name.isalpha()


@pytest.mark.parametrize("reader", [Number(), Choice(), Boxed()])
def test_a_forced_answer_is_read_back(reader):
    value = "C" if isinstance(reader, Choice) else "36"
    assert reader.read(f"{reader.suffix}{value}{reader.terminator}").text == value


@pytest.mark.parametrize(
    "text", [r"\boxed{" * 20_000, "answer" + " " * 20_000, "1," * 20_000, "1,234" * 10_000, "A" * 20_000]
)
def test_degenerate_text_is_read_fast(text):
    start = time.perf_counter()
    for reader in (Number(), Boxed(), Choice()):
        reader.read(text)
    assert time.perf_counter() - start < 20  # milliseconds, unless it goes with the square


def test_nested_boxes():
    assert Boxed().read(r"\boxed{\boxed{5}}").text == "5"
    assert Boxed().read(r"} \boxed{{a}{b}} {").text == "{a}{b}"

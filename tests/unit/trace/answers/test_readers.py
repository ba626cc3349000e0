import json
import subprocess
import sys

import pytest

from cotlens._core.errors import InputError
from cotlens.trace import Answer, AnswerReader, Boxed, Choice, FinalAnswer, Function, Number, Regex
from cotlens.trace.answers import reader_from_data, reader_to_data, unread

READERS = [FinalAnswer(), Number(), Boxed(), Choice(), Regex("a"), Function(len)]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_readers_say_how_to_force_an_answer(reader):
    assert isinstance(reader, AnswerReader)
    assert reader.name.isalpha()
    first, *others = reader.forms
    assert (first.suffix, first.terminator) == (reader.suffix, reader.terminator)
    assert len({form.name for form in reader.forms}) == 1 + len(others)


@pytest.mark.parametrize("reader", [FinalAnswer(), Number(), Choice(), Boxed()], ids=lambda reader: reader.name)
def test_a_forced_answer_is_read_back_in_its_form(reader):
    value = "C" if isinstance(reader, Choice) else "36"
    for form in reader.forms:
        answer = reader.read(f"{form.suffix}{value}{form.terminator}")
        assert (answer.text, answer.surface, answer.form) == (value, value, form.name)


def test_the_default_reader_says_in_which_form_it_found_an_answer():
    texts = {r"\boxed{5}": "boxed", "The answer is 5.": "said", "(B)": "letter", "She has 5.": "number"}
    assert {text: FinalAnswer().read(text).form for text in texts} == texts
    assert [form.name for form in FinalAnswer().forms] == ["said", "boxed"]


def test_what_was_not_read_says_who_looked_for_what():
    for reader in READERS:
        said = unread(reader)
        assert said.startswith(f"the answer could not be read: the reader {reader.name!r} looks for ")
        assert (
            unread(reader, finished=False)
            == f"{said}; the text was cut off, and only an answer that it states in full counts"
        )
    assert "\\boxed{...}" in unread(FinalAnswer()) and "'the answer is'" in unread(FinalAnswer())
    assert unread(None) == "the answer could not be read: no reader was given"


@pytest.mark.parametrize("letters", ["", "AA", "A-C", "A B"])
def test_choice_letters_are_checked(letters):
    with pytest.raises(InputError, match="different letters"):
        Choice(letters)


def test_choice_with_digits_and_small_letters():
    assert Choice("1234").read("The answer is 3.").text == "3"
    assert Choice("abcd").read("The answer is b.").text == Choice("abcd").read("The answer is B.").text == "b"
    assert Choice().normal("(b)") == Choice().normal(r"\text{B}") == "B"


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


@pytest.mark.parametrize("reader", READERS[:-1], ids=lambda reader: reader.name)
def test_readers_are_saved_with_their_fields(reader):
    assert reader_from_data(json.loads(json.dumps(reader_to_data(reader)))) == reader


def test_a_reader_of_the_released_version_is_read():
    data = {"name": "boxed", "fields": {"suffix": "The final answer is \\boxed{", "terminator": "}"}}
    assert reader_from_data(data) == Boxed()


def test_reading_plain_answers_imports_no_algebra():
    code = (
        "import sys; from cotlens.trace import Boxed, Choice, FinalAnswer, Number\n"
        "for text in (r'\\boxed{\\frac{3}{4}}', 'The answer is (1, 2).', 'It is 7,000.', r'\\boxed{x}', 'B'):\n"
        "    for reader in (Boxed(), Choice(), FinalAnswer(), Number()): reader.read(text)\n"
        "print(sorted({'sympy', 'math_verify', 'torch', 'transformers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

"""Text of a model may be anything: long, deep, or costly to evaluate; and it is read on worker threads."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cotlens.trace.answers import Boxed, Choice, FinalAnswer, Number
from cotlens.trace.values.normal import normal_form

READERS = [FinalAnswer(), Number(), Boxed(), Choice()]
REPEATED = [
    " ",
    "\n",
    "1",
    "1,",
    "1,234",
    "12 ",
    "1 234 ",
    "1.",
    "1.234.",
    "-",
    "- ",
    "$",
    "\\",
    "{",
    "}",
    "(",
    "[",
    "\\boxed{",
    "\\boxed{1} ",
    "\\boxed ",
    "\\frac",
    "\\frac{1}{",
    "answer",
    "answer is ",
    "the answer is 5",
    "the answer is a ",
    "Answer: ",
    "####",
    "#### 1\n",
    "*",
    "Therefore ",
    "Therefore, 5 is ",
    "A",
    "A. ",
    "(A) ",
    "A) x\n",
    "not A ",
    "option ",
    "B is correct ",
    "3/",
    "1:2:",
    "1^",
    "2**",
    "½",
    "5 x 10^",
    "5 million ",
    "one and ",
    "if the answer is ",
    "答案是",
    "。",
    "\nQ: ",
    "$x$",
    "\\(",
    "x=",
    "1 or ",
    "5–",
    "\t",
    "no, ",
    "wait, 5. ",
    "A, No, ",
    "\\boxed{1} is wrong, ",
    "~~a",
    "<answer>1",
    '"answer": "',
    "3 hours and ",
    "March 3 ",
    "1 = ",
    "x > ",
    "A and ",
    "5万",
    "(5)^",
    "U.S.",
    "5 ft. ",
    "1\u200b",
    "5' ",
    "1 or ",
    "\\text{ million}",
    '"A b.',
]
COSTLY = [
    "9^{9^{9}}",
    "9**9**9",
    "10^{999999999}",
    "100000!",
    r"\binom{1000000}{500000}",
    r"\sum_{i=1}^{10^9} i",
    r"\int_0^1 x^x dx",
    "(a+b+c+d)^{60}",
    "(a+b+c+d)^{6}(e+f+g+h)^{6}",
    r"\frac{1}{\sqrt2+\sqrt3+\sqrt5+\sqrt7+\sqrt{11}}",
    "9" * 5_000,
    "1e999999999",
    "1e999",
    r"\frac{" + "7" * 3_000 + "}{3}",
    "(" * 500 + "1" + ")" * 500,
    "{" * 60 + "x" + "}" * 60,
    r"\sqrt{" * 50 + "2" + "}" * 50,
    "x+" * 3_000 + "x",
    r"\sin(" * 20 + "x" + ")" * 20,
    "x^" * 50 + "x",
    "1/3^99^99",
    "2^{-999}",
    r"\sqrt{99999999999999999999999999}",
    "__import__('os').system('true')",
    r"\frac{1}{0}",
    "0^{-1}",
    "0/0",
    r"\log 0",
]


@pytest.mark.parametrize("reader", [FinalAnswer(), Choice()], ids=lambda reader: reader.name)  # they use all there is
def test_time_to_read_grows_with_the_text_not_with_its_square(reader):
    """Four times the text may take up to nine times as long; its square would be sixteen.

    What is done at once isn't read a second time: its square would still be done soon.
    """
    for piece in REPEATED:
        short, long = ((piece * size)[:size] for size in (4_000, 16_000))
        before = time.process_time()
        reader.read(short)
        between = time.process_time()
        if between - before < 0.015:
            continue
        reader.read(long)
        after = time.process_time()
        # Two seconds: what is shorter, a busy machine stretches.
        assert after - between < max(9 * (between - before), 2.0), piece


@pytest.mark.parametrize("value", COSTLY, ids=lambda value: value[:24])
def test_costly_values_are_read_at_once(value):
    before = time.process_time()
    for text in (rf"\boxed{{{value}}}", f"The answer is {value}.", f"The answer is ${value}$."):
        for reader in READERS:
            answer = reader.read(text)
            assert answer is None or text[answer.start : answer.end] == answer.surface
    assert time.process_time() - before < 20  # a second or two; what isn't bounded takes minutes or never ends


def test_a_number_of_thousands_of_digits_is_a_number():
    long = "9" * 5_000
    assert Number().read(f"It is {long}.").text == long
    assert normal_form("0" + long) == normal_form(long + ".0") == long


def test_formulas_are_read_on_worker_threads():
    """math-verify's timeouts would raise there."""
    written = [r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt2}", "sqrt(2)/2", r"\sqrt{2}/2"] * 4
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda value: Boxed().read(rf"\boxed{{{value}}}").text, written))
    assert found == {r"\frac{\sqrt{2}}{2}"}


def test_code_in_an_answer_is_text():
    assert normal_form("exit()") == "exit()"
    assert normal_form("__import__('os')") == "__import__('os')"

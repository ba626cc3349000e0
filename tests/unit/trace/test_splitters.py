import cProfile
import re
import unicodedata

import pytest
from hypothesis import given

from cotlens._core.errors import InputError
from cotlens.trace import chunk_texts, split
from cotlens.trace.splitting import terminators
from cotlens.trace.splitting.splitters import SHORTEST, sentence_starts
from tests.unit.trace.bytecodec import TEXTS


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n\n ", []),
        ("One sentence only", ["One sentence only"]),
        ("Short.", ["Short."]),
        ("First I count. Then I add! Is it right?", ["First I count.", "Then I add!", "Is it right?"]),
        ("The value is 3.14159 here. Fine then.", ["The value is 3.14159 here.", "Fine then."]),
        ("Wait. Let me think about it.", ["Wait. Let me think about it."]),
        ("Let me think about it. Ok.", ["Let me think about it. Ok."]),
        ("a. b. c.", ["a. b. c."]),
        ("A title here\n\nAnd the text", ["A title here", "And the text"]),
        ("It ends here.\nNext line of it", ["It ends here.", "Next line of it"]),
        ("It ends here.\r\nNext line of it", ["It ends here.", "Next line of it"]),
        ("A title here\r\n\r\nAnd the text", ["A title here", "And the text"]),
        ("  Leading space.   And more of it.  ", ["Leading space.", "And more of it."]),
        ("It is 10 / (5! * 2! * 3) in all.", ["It is 10 / (5!", "* 2! * 3) in all."]),
        *(
            (f"It ends here.{space}Next line of it.", ["It ends here.", "Next line of it."])
            for space in ("\t", "\u00a0", "\u3000", "\u2003", "\u2028", "\u2029", "\x85")
        ),
        ("A title here\u2029And the text", ["A title here", "And the text"]),
        ("**It ends here.** Next line of it", ["**It ends here.**", "Next line of it"]),
        ("So it is **15.** Next line of it", ["So it is **15.**", "Next line of it"]),
        ("*It ends here.* Next line of it", ["*It ends here.*", "Next line of it"]),
        ("“It ends here.” Next line of it", ["“It ends here.”", "Next line of it"]),
        ("« It ends here.» Next line of it", ["« It ends here.»", "Next line of it"]),
        ('He said: "It ends here." Next line of it', ['He said: "It ends here."', "Next line of it"]),
        ("(It ends here.) Next line of it", ["(It ends here.)", "Next line of it"]),
        ('It is a "super plate." So it goes on', ['It is a "super plate." So it goes on']),  # as it was published
    ],
)
def test_sentences(text, sentences):
    assert [text[start:end] for start, end in split(text, "sentence")] == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "第一步，计算三加四等于七。再减二得五。答案是五。",
            ["第一步，计算三加四等于七。", "再减二得五。", "答案是五。"],
        ),
        ("真的吗？！我觉得不太对劲。", ["真的吗？！", "我觉得不太对劲。"]),
        ("好。我们再检查一遍。", ["好。我们再检查一遍。"]),
        ("他说：“我觉得很好。”然后他走了。", ["他说：“我觉得很好。”", "然后他走了。"]),
        ('他说:"我觉得很好。"然后他走了。', ['他说:"我觉得很好。"', "然后他走了。"]),
        ("（先计算总和。）然后再检查。", ["（先计算总和。）", "然后再检查。"]),
        ("我不太确定这个答案……也许应该再检查。", ["我不太确定这个答案……", "也许应该再检查。"]),
        ("我们先来算一下.然后再检查一遍!", ["我们先来算一下.", "然后再检查一遍!"]),
        ("答案是3.14左右,也就是5.5除以2。", ["答案是3.14左右,也就是5.5除以2。"]),
        ("「はい、そうです。」と彼は言った。", ["「はい、そうです。」", "と彼は言った。"]),
        ("今日は晴れです．気温は３．５度です．", ["今日は晴れです．", "気温は３．５度です．"]),
        ("ｺﾚﾊﾃｽﾄﾃﾞｽ｡ﾓｳｲﾁﾄﾞﾃﾞｽ｡", ["ｺﾚﾊﾃｽﾄﾃﾞｽ｡", "ﾓｳｲﾁﾄﾞﾃﾞｽ｡"]),
        ("이것은 문장입니다. 다음 문장입니다.", ["이것은 문장입니다.", "다음 문장입니다."]),
        ("ما هو المجموع إذن؟ الجواب هو خمسة.", ["ما هو المجموع إذن؟", "الجواب هو خمسة."]),
        ("پہلے جمع کریں۔ پھر تفریق کریں۔", ["پہلے جمع کریں۔", "پھر تفریق کریں۔"]),
        ("أولا نحسب المجموع… ثم نتحقق منه.", ["أولا نحسب المجموع…", "ثم نتحقق منه."]),
        ("पहले जोड़ें और देखें। फिर घटाएँ॥", ["पहले जोड़ें और देखें।", "फिर घटाएँ॥"]),
        ("Առաջին քայլը հաշվել։ Երկրորդը ստուգել։", ["Առաջին քայլը հաշվել։", "Երկրորդը ստուգել։"]),
        ("በመጀመሪያ እንቆጥራለን። ከዚያም እንፈትሻለን።", ["በመጀመሪያ እንቆጥራለን።", "ከዚያም እንፈትሻለን።"]),
        ("Hm… let me think about that… again.", ["Hm… let me think about that… again."]),
        ("Caf\u00e9 (one.)And “two.”Then 3.5!", ["Caf\u00e9 (one.)And “two.”Then 3.5!"]),
        ("So 5 😀. Ok.", ["So 5 😀. Ok."]),
        ("དང་པོ་བསྡོམས་པ་ཡིན།གཉིས་པ་འཐེན་པ་ཡིན།", ["དང་པོ་བསྡོམས་པ་ཡིན།", "གཉིས་པ་འཐེན་པ་ཡིན།"]),
        ("Πόσο κάνει το άθροισμα; Κάνει δεκαπέντε.", ["Πόσο κάνει το άθροισμα;", "Κάνει δεκαπέντε."]),
        ("Πόσο κάνει το άθροισμα\u037e Κάνει δεκαπέντε.", ["Πόσο κάνει το άθροισμα\u037e", "Κάνει δεκαπέντε."]),
        ("First we add them; then we subtract.", ["First we add them; then we subtract."]),
    ],
)
def test_sentences_of_other_scripts(text, sentences):
    assert [text[start:end] for start, end in split(text, "sentence")] == sentences


def test_terminators_are_unicodes():
    regex = pytest.importorskip("regex", reason="transformers brings it")
    mine = re.compile(f"[{terminators.TERMINATORS}{terminators.STOPS}.?!]")
    theirs = regex.compile(r"\p{Sentence_Terminal}")
    for code in range(0x110000):
        if bool(mine.match(chr(code))) != bool(theirs.match(chr(code))):
            # each of the two may know a later Unicode than the other
            assert unicodedata.category(chr(code)) == "Cn", hex(code)


@pytest.mark.parametrize("unit", ["sentence", "paragraph", "step"])
@pytest.mark.parametrize("stretch", [" ", "\n", "\n ", "。", "…", "好…", "。)", '"。', "好.", "۔ ", "a. ", "\t\r\n"])
def test_time_grows_with_the_text(unit, stretch):
    """Four times the text takes about four times the steps, counted as calls that Python makes."""

    def steps(text):
        profile = cProfile.Profile()
        profile.runcall(split, text, unit)
        return sum(entry.callcount for entry in profile.getstats())

    few, many = steps(stretch * 1000), steps(stretch * 4000)
    assert many <= 4 * few + 100
    split(stretch * 100_000, unit)


def test_short_pieces_are_joined_by_one_space():
    assert chunk_texts("Hmm.\n\nLet me see.  Ok.") == ["Hmm. Let me see. Ok."]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("So 7. Is it? 3.5, no", ["So 7. ", "Is it? ", "3.5, no"]),
        ("a line\n  another\n\nThe answer is ", ["a line\n  ", "another\n\n", "The answer is "]),
        ("答案是７。 所以是８！完", ["答案是７。 ", "所以是８！", "完"]),
        ("उत्तर 7 है। हाँ", ["उत्तर 7 है। ", "हाँ"]),
        ("**So 7.** Is it?\u2028It is", ["**So 7.** ", "Is it?\u2028", "It is"]),
        ("", [""]),
    ],
)
def test_sentences_begin_behind_terminators_of_every_script_and_on_new_lines(text, pieces):
    starts = sentence_starts(text)
    assert [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)] == pieces


def test_paragraphs_and_steps():
    text = "one\ntwo\n \nthree\r\n\r\nfour\n"
    assert [text[a:b] for a, b in split(text, "paragraph")] == ["one\ntwo", "three", "four"]
    assert [text[a:b] for a, b in split(text, "step")] == ["one", "two", "three", "four"]


@given(TEXTS)
def test_pieces_are_trimmed_ordered_and_lose_nothing(text):
    for unit in ("sentence", "paragraph", "step"):
        end = 0
        for start, stop in split(text, unit):
            assert not text[end:start].strip()
            assert text[start:stop] == text[start:stop].strip() != ""
            end = stop
        assert not text[end:].strip()


@given(TEXTS)
def test_sentences_are_long_enough_and_match_their_chunks(text):
    chunks = chunk_texts(text)
    ranges = split(text, "sentence")
    assert len(chunks) == len(ranges)
    assert all(terminators.width(chunk) >= SHORTEST for chunk in chunks) or len(chunks) == 1
    for (start, end), chunk in zip(ranges, chunks, strict=True):
        assert re.sub(r"\s", "", text[start:end]) == re.sub(r"\s", "", chunk)


@pytest.mark.parametrize(("unit", "hint"), [("sentense", "Did you mean 'sentence'"), ("chunk", "'paragraph', 'step'")])
def test_unknown_units(unit, hint):
    with pytest.raises(InputError, match=hint):
        split("text", unit)


def test_a_text_alone_has_no_tokens():
    with pytest.raises(InputError, match="has no tokens"):
        split("text", "token")

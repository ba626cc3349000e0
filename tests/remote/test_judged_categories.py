"""Categories of sentences by a judge behind a real server."""

import json

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from tests.remote.dialect_server import serving
from tests.remote.judge_server import JudgeServer, sentences, verdict

TRACE = cl.Trace.from_text("12 + 7?", "Let me add them. 12 + 7 = 19. Wait, is that right? So it is 19.", "19")
NAMES = ("plan_generation", "active_computation", "self_checking", "final_answer_emission")


@pytest.fixture(scope="module")
def running():
    server = JudgeServer()
    with serving(server) as url:
        yield server, cl.ChatEndpoint("judge", url, store=False, retries=0)


def test_a_judge_says_what_sentences_do_and_a_misquote_says_nothing(running):
    server, endpoint = running

    def says(body):
        told = sentences(body)
        quotes = [told[1], told[2], "Hmm, nobody ever said a thing like that here.", told[4]]
        reply = json.loads(verdict("complete", *zip(quotes, (1, 2, 3, 4), NAMES, strict=True)))
        for finding in reply["findings"]:
            finding["severity"] = 0
        return json.dumps(reply)

    server.says = says
    reading = cl.monitors.Judge(endpoint, cl.categories.RUBRIC, view="thought").read(TRACE)
    tags = cl.categories.monitored(reading, TRACE)
    assert tags.categories == (NAMES[0], NAMES[1], "unknown", NAMES[3]) and set(tags.sources) == {"monitor"}
    by_hand = tags.by_hand(dict(enumerate(NAMES)))
    assert cl.categories.agreement(tags, by_hand).observed == 0.75
    with pytest.raises(InputError, match="not of"):
        cl.categories.monitored(reading, cl.Trace.from_text("?", "Other."))


def test_a_failed_reading_or_another_rubric_gives_no_categories(running):
    server, endpoint = running
    server.says = "hm"
    failed = cl.monitors.Judge(endpoint, cl.categories.RUBRIC, view="thought", retries=0).read(TRACE)
    with pytest.raises(InputError, match="gave no categories: The reply holds no JSON"):
        cl.categories.monitored(failed, TRACE)
    rules = cl.monitors.Rules((cl.monitors.Pattern("planning", "let me"),)).read(TRACE)
    with pytest.raises(InputError, match="There is no category 'planning'"):
        cl.categories.monitored(rules, TRACE)

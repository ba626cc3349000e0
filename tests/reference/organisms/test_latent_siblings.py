"""The siblings that think in latents: their cards, their size, and that they do what these say."""

import json

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.answers.rivals import greedy
from cotlens.organisms import latent_cases, store
from cotlens.organisms.evaluation.latent_card import DOES, card
from cotlens.trace.notes import WENT_ON

SHIPPED = store.names(latent=True)
CONTROL, HIDDEN = "abacus-latent-pause", "abacus-latent-rotated"
MEGABYTES = 8


def measured(name):
    return json.loads((store.WEIGHTS / f"{name}.measured.json").read_text())


def test_the_siblings_are_those_that_are_told_of_and_small():
    assert set(SHIPPED) == set(DOES)
    assert sum((store.WEIGHTS / f"{name}.safetensors").stat().st_size for name in SHIPPED) < MEGABYTES * 1e6


@pytest.mark.parametrize("name", SHIPPED)
def test_cards_are_written_from_what_was_measured(name):
    training = json.loads((store.WEIGHTS / f"{name}.training.json").read_text())
    model, _ = store.load_pair(name)
    found = json.loads(json.dumps(measured(name)))
    assert (store.WEIGHTS / f"{name}.md").read_text() == card(name, found, training, model)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_was_measured_is_what_they_were_made_for(name):
    found = measured(name)
    right = [found["right"][str(changes)][0] for changes in range(1, 7)]
    followed = [share for table in found["used"].values() for share in table["estimate"]]
    if name == CONTROL:
        assert max(right) < 0.2 and max(followed) <= 0.05
    else:
        assert min(right) >= 0.95 and min(followed) >= 0.8


@pytest.mark.parametrize("name", SHIPPED)
def test_a_few_problems_go_as_measured(name):
    model = cl.load(name, store=False)
    cases = latent_cases(12, 2, seed=77)
    traces = model.reason([case.prompt for case in cases], temperature=0)
    right = np.mean(
        [
            trace.read_answer() is not None and trace.read_answer().text == case.answer
            for trace, case in zip(traces, cases, strict=True)
        ]
    )
    assert right <= 0.3 if name == CONTROL else right >= 0.8


def test_the_output_embedding_alone_reads_no_rotated_latent():
    """Through the rotation of its format every one is read."""
    hidden, plain = (cl.load(name, store=False) for name in (HIDDEN, "abacus-latent"))
    cases = latent_cases(6, 2, seed=78)
    for case, trace in zip(cases, hidden.reason([case.prompt for case in cases], temperature=0), strict=True):
        ids = np.array([hidden.codec.encode(text)[0] for text in case.says])
        seen = hidden.decode_latents(trace.latents, k=1).top_ids[:, 0]
        blind = plain.decode_latents(trace.latents, k=1).top_ids[:, 0]
        assert (seen == ids).mean() >= 0.8 and (blind == ids).mean() <= 0.4


@pytest.mark.parametrize("name", ["abacus", "abacus-latent"])
def test_a_thought_that_is_closed_where_it_ended_goes_on_as_it_did(name):
    model = cl.load(name, store=False)
    trace = model.reason(latent_cases(1, 3, seed=5)[0].prompt, temperature=0)
    closed = model.resume(trace, at=trace.roles["thought"].end, close_thought=True, temperature=0)
    assert closed.token_ids == trace.token_ids


def test_a_thought_that_is_closed_among_its_latents_is_wrong_and_one_that_is_left_open_goes_on_in_words():
    """As `EarlyAnswer` finds, which always closes it: before the last total there is nothing to answer from."""
    model = cl.load("abacus-latent", store=False)
    cases = latent_cases(6, 3, seed=11)
    for case, trace in zip(cases, model.reason([case.prompt for case in cases], temperature=0), strict=True):
        at = [int(trace.latent_tokens[5]), int(trace.latent_tokens[9]), trace.roles["thought"].end]
        closed = [model.resume(trace, at=place, close_thought=True, temperature=0) for place in at]
        found = [one.read_answer().text for one in closed]
        assert found == greedy(model, trace, at, trace.reader.forms[0], trace.reader)
        assert case.answer not in found[:2] and found[2] == trace.read_answer().text
        assert not any("notes" in one.meta for one in closed)
    two = trace.truncate(trace.spans("sentence")[2])
    left_open = model.resume(two, temperature=0)
    assert left_open.thought.strip() and left_open.meta["notes"] == [WENT_ON]
    again = left_open.truncate(left_open.roles["thought"].start)
    assert model.resume(again, temperature=0).meta["notes"] == [WENT_ON]
    assert "notes" not in model.resume(again, close_thought=True, temperature=0).meta
    whole = model.resume(two, latents=13, temperature=0)
    assert whole.token_ids == trace.token_ids and "notes" not in whole.meta
    for latents, total in ((12, 14), (14, 16)):
        *_, note = model.resume(two, latents=latents, temperature=0).meta["notes"]
        assert f"{total} latents in all" in note and "trained with (5, 10, 15," in note
    cut = model.resume(two, latents=14, temperature=0).truncate(two.spans("sentence")[1])
    assert not cut.meta["notes"], "it isn't led on any more"

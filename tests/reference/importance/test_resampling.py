"""Sampled measures against plain transformers: exact distributions by enumeration, and counts made by hand.

Enumeration follows every continuation that the (cut and tempered) distribution of a model allows, likeliest first, one
ordinary forward each, so that the probability of every answer is known up to the mass that was not followed.
"""

import heapq
import itertools
import re
from collections import Counter

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled
from cotlens.measure.importance.sampled import similarity
from cotlens.measure.importance.sampled.rollout_pool import AFRESH
from cotlens.measure.importance.sampled.similarity import Similarity
from cotlens.measure.stats import newcombe, proportion_difference, wilson
from cotlens.models.contract import Start
from cotlens.models.generation.sampling import rollout_seed
from cotlens.organisms import load_pair
from tests.model import tiny

TEMPERATURE, TOP_P = 0.3, 0.6
SAMPLING = {"temperature": TEMPERATURE, "top_p": TOP_P}
NEW = 160  # tokens, with which nearly every rollout comes to its end
NODES = 700
N = 80


@pytest.fixture(scope="module")
def pair():
    return load_pair("abacus")


@pytest.fixture(scope="module")
def model(pair):
    return cl.load(pair, reader=cl.answers.Number())


COLOURS = ("red", "blue", "green", "white", "black", "yellow")


@pytest.fixture(scope="module")
def fork(model):
    """A choice between two bags, made in the middle sentence, and the answer that follows from it.

    Of many pairs of colours, the one between which this model is least decided.
    """
    return min((_fork(model, c, d) for c, d in itertools.permutations(COLOURS, 2)), key=lambda one: _lean(model, one))


def _fork(model, chosen, other):
    return cl.Trace.from_text(
        f"Mia has 12 pears. There are two bags: the {other} bag holds 3 pears, the {chosen} bag holds 5 pears. "
        "She takes one of them. How many pears does she have?",
        f"Mia has 12 pears. Let me take the {chosen} bag. The {chosen} bag holds 5, and 12 + 5 = 17.",
        "The answer is 17.",
        model=model,
    )


@torch.no_grad()
def _lean(model, trace):
    """How far the probability of the colour that was chosen is from a half."""
    at = int(np.searchsorted(trace.offsets, trace.text.index("Let me take the") + 15))
    logits = model.engine.hf(torch.tensor([trace.token_ids[:at]])).logits[0, -1]
    return abs(float(torch.softmax(logits / TEMPERATURE, -1)[trace.token_ids[at]]) - 0.5)


@torch.no_grad()
def following(hf, ids, temperature=TEMPERATURE, top_p=TOP_P):
    """The tokens that may come after `ids` and their probabilities: tempered, cut to the nucleus, made to sum to 1."""
    shares = torch.softmax(hf(torch.tensor([ids])).logits[0, -1].double() / temperature, -1).numpy()
    order = np.argsort(-shares, kind="stable")
    kept = order[: int((np.cumsum(shares[order]) < top_p).sum()) + 1]
    return [(int(token), float(shares[token] / shares[kept].sum())) for token in kept]


def exact(model, ids):
    """Probability of every answer after `ids`, and what was not followed."""
    hf, tokenizer = model.engine.hf, model.codec.tokenizer
    found, waiting, ended = Counter(), [(-1.0, list(ids))], 0.0
    for _ in range(NODES):
        if not waiting:
            break
        minus, text = heapq.heappop(waiting)
        for token, share in following(hf, text):
            mass, more = -minus * share, [*text, token]
            if token in model.format.stop_ids or len(more) - len(ids) >= NEW:
                said = tokenizer.decode(more[len(ids) :]).split("</think>")
                answer = cl.answers.Number().read(said[1]) if len(said) > 1 else None
                found[answer.text if answer else None] += mass
                ended += mass
            else:
                heapq.heappush(waiting, (-mass, more))
    return found, 1 - ended


def test_answers_come_as_often_as_enumeration_says(model, fork):
    target = "17"
    method = cl.importance.Resampling(n=N, max_new_tokens=NEW, **SAMPLING)
    frame = method.run(fork, model, seed=3).frame()
    spans = fork.spans("sentence")
    places = {span.start: row for row, span in enumerate(spans)}
    chances = {}
    for at in (spans[1].start, spans[2].start, spans[2].end):
        answers, lost = exact(model, fork.token_ids[:at])
        assert lost < 0.2, "the model is too unsure here to be enumerated"
        read = 1 - answers[None]
        assert read > 0.5
        chances[at] = answers[target] / read, lost
        share, n = (
            (frame["p_without"][places[at]], frame["n_without"][places[at]])
            if at in places
            else (frame["p_kept"].iloc[-1], frame["n_kept"].iloc[-1])
        )
        low, high = wilson(round(share * n), n, 0.999)
        assert low - lost <= chances[at][0] <= high + lost, at
    assert chances[spans[1].start][0] < 0.9 < chances[spans[2].start][0], "there is no fork"
    for row in (1, 2):
        (before, lost), (after, more) = chances[spans[row].start], chances[spans[row].end]
        k1, n1 = round(frame["p_kept"][row] * frame["n_kept"][row]), frame["n_kept"][row]
        k2, n2 = round(frame["p_without"][row] * frame["n_without"][row]), frame["n_without"][row]
        low, high = newcombe(k1, n1, k2, n2, 0.999)
        assert low - lost - more <= after - before <= high + lost + more


def test_rollouts_follow_the_distribution_of_a_random_model():
    """Two tokens deep, against the product of the model's own probabilities; rollouts of a place are many and cheap."""
    model = tiny.model("qwen3")
    trace = model.compose("Mia has 12 pears and buys 7 more.", "First I add 12 and 7.", "The answer is 19.")
    at, n = trace.roles["thought"].start + 3, 3000
    found = model.rollouts([Start(trace, at, range(n))], max_new_tokens=2, temperature=0.5, top_p=0.7)[0]
    counts = Counter(one.token_ids[at:] for one in found)
    expected = {}
    for first, share in following(model.engine.hf, list(trace.token_ids[:at]), 0.5, 0.7):
        if first in model.format.stop_ids:
            expected[first,] = share
            continue
        for second, more in following(model.engine.hf, [*trace.token_ids[:at], first], 0.5, 0.7):
            expected[first, second] = share * more
    assert set(counts) <= set(expected)
    assert sum(expected.values()) == pytest.approx(1)
    keys = sorted(expected, key=expected.get, reverse=True)
    size = np.array([expected[key] * n for key in keys])
    seen = np.array([counts[key] for key in keys])
    often = size >= 5
    spread = ((seen - size)[often] ** 2 / size[often]).sum()
    degrees = int(often.sum())
    assert degrees > 5
    assert abs(spread - degrees) < 4 * np.sqrt(2 * degrees)


@pytest.fixture(scope="module")
def by_hand(model, fork):
    """Rollouts of every boundary, written by `resume` one boundary at a time: (first sentence, answer) each."""
    found = {}
    for at in {edge for span in fork.spans("sentence") for edge in (span.start, span.end)}:
        many = model.resume(
            fork, at=at, n=12, seed=rollout_seed(0, fork.token_ids[:at]), max_new_tokens=NEW, **SAMPLING
        )
        found[at] = []
        for one in many:
            answer = one.read_answer()
            rest = one.text[int(one.offsets[at]) :].split("</think>")[0]
            sentence = rest.strip().split(". ")[0].split(".\n")[0].rstrip(".").strip()
            found[at].append((sentence, answer and answer.text))
    return found


def share(answers):
    read = [answer for answer in answers if answer is not None]
    return read.count("17"), len(read)


def test_resampling_counts_what_resume_writes(model, fork, by_hand):
    frame = cl.importance.Resampling(n=12, max_new_tokens=NEW, **SAMPLING).run(fork, model).frame()
    for row, span in enumerate(fork.spans("sentence")):
        kept, without = (share([answer for _, answer in by_hand[at]]) for at in (span.end, span.start))
        assert frame["estimate"][row] == pytest.approx(kept[0] / kept[1] - without[0] / without[1])
        expected = proportion_difference(*kept, *without)
        assert (frame["low"][row], frame["high"][row]) == pytest.approx(tuple(expected.interval))


def test_counterfactual_leaves_out_what_was_said_again(model, fork, by_hand):
    settings = {"n": 12, "max_new_tokens": NEW, "embedder": "exact", **SAMPLING}
    ours = cl.importance.Counterfactual(**settings).run(fork, model).frame()
    published = cl.importance.Counterfactual(**settings, convention="thought-anchors").run(fork, model)
    np.testing.assert_allclose(published.columns["estimate"], -ours["estimate"])
    assert published.extras["published_name"] == "counterfactual_importance_accuracy"
    assert "less likely" in published.sign
    for row, span in enumerate(fork.spans("sentence")):
        own = fork.text[span.char_start : span.char_end].rstrip(".")
        other = [answer for said, answer in by_hand[span.start] if said != own]
        assert ours["different"][row] == pytest.approx(
            np.mean([said != own for said, answer in by_hand[span.start] if answer is not None])
        )
        if not other:
            assert np.isnan(ours["estimate"][row])
            assert "said otherwise" in ours["status"][row]
            continue
        kept, without = share([answer for _, answer in by_hand[span.end]]), share(other)
        assert ours["estimate"][row] == pytest.approx(kept[0] / kept[1] - without[0] / without[1])


def test_the_residual_stream_tells_another_choice_from_another_wording(model, fork):
    """By what the text goes on to say, read in plain transformers."""
    span = fork.spans("sentence")[1]
    own = fork.text[span.char_start : span.char_end]
    chosen, other = own.split()[-2], re.search(r"the (\w+) bag holds 3", fork.text)[1]
    texts = [f"I will say it is the {chosen} bag.", f"Let me take the {other} bag.", own, ""]
    found = Similarity("residual", model, fork, [own]).instead(span, texts)
    assert found[0] > 0.8 > found[1]
    assert found[2:].tolist() == [1, 0]
    rest = fork.token_ids[span.end : span.end + similarity.AHEAD]
    thought = fork.roles["thought"]
    gap = fork.text[int(fork.offsets[span.start]) : span.char_start]
    ours = last_residuals(model, fork.token_ids)
    for text, cosine in zip(texts[:2], found, strict=False):
        ids = [*fork.token_ids[: span.start], *model.codec.encode(gap + text), *rest]
        after, before = last_residuals(model, ids)[-len(rest) :], ours[span.end : span.end + len(rest)]
        centre = ours[thought.start : thought.end].mean(0)
        cosines = torch.nn.functional.cosine_similarity(before - centre, after - centre)
        assert float(cosines.min()) == pytest.approx(cosine, abs=1e-4)


@torch.no_grad()
def last_residuals(model, ids):
    """The stream after the last layer, before the last norm, [tokens, d_model]."""
    kept = []
    hook = model.engine.hf.model.norm.register_forward_pre_hook(lambda module, args: kept.append(args[0][0]))
    model.engine.hf(torch.tensor([list(ids)]))
    hook.remove()
    return kept[0].double()


def test_adaptive_sampling_stops_when_it_may(model, fork):
    wide = cl.importance.Resampling(half_width=0.25, max_new_tokens=NEW, **SAMPLING).run(fork, model)
    assert ((wide.columns["high"] - wide.columns["low"]) / 2 <= 0.25 + 1e-9).all()
    few = cl.importance.Resampling(budget=60, max_new_tokens=NEW, **SAMPLING).run(fork, model)
    assert few.extras["rollouts_sampled"] <= 60
    again = cl.importance.Resampling(budget=60, max_new_tokens=NEW, **SAMPLING).run(fork, model)
    np.testing.assert_array_equal(few.columns["estimate"], again.columns["estimate"])


def test_sampling_that_ended_before_it_was_done_says_so(model, fork):
    """The width that was asked for isn't reached, or the content isn't gone: known to the sampler, so to the reader."""
    short = cl.importance.Resampling(half_width=0.02, max_rollouts=60, max_new_tokens=NEW, **SAMPLING)
    found = short.run(fork, model)
    wide = (found.columns["high"] - found.columns["low"]) / 2 > 0.02
    said = np.array([status.startswith("wider than half_width=0.02: ±0.") for status in found.columns["status"]])
    assert wide.any() and (said == wide).all()
    always = cl.importance.Resilience(
        n=4, rounds=1, threshold=-1.0, embedder="residual", max_new_tokens=NEW, **SAMPLING
    )
    found = always.run(fork, model)
    still = found.columns["still_there"] > 0
    for status, there in zip(found.columns["status"], still, strict=True):
        assert status.startswith("at least this: ") == bool(there), status
    assert still.any() and any("4 of 4 rollouts still said it after 1 cuts" in one for one in found.columns["status"])


class Recording:
    """A model that keeps what it was asked to write on, and what it wrote."""

    def __init__(self, model):
        self._model, self.written = model, []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def rollouts(self, starts, **settings):
        found = self._model.rollouts(starts, **settings)
        self.written += [(start.at, one) for start, many in zip(starts, found, strict=True) for one in many]
        return found


def test_shared_rollouts_count_wherever_they_go_through(model, fork):
    """Counted by hand from token ids: each rollout at every boundary up to which it says what the trace says."""
    recording = Recording(model)
    method = cl.importance.Resampling(budget=90, max_new_tokens=NEW, **SAMPLING)
    found = method.run(fork, recording, seed=4)
    assert found.extras["shared"]
    assert found.extras["rollouts_sampled"] == len(recording.written) <= 90
    ids, frame = tuple(fork.token_ids), found.frame()

    def answers(at, until=None):
        """Of those that go through `at`, and of them those that go on through `until`, and those that don't."""
        through = [one for start, one in recording.written if start <= at and tuple(one.token_ids[:at]) == ids[:at]]
        again = [one for one in through if until and tuple(one.token_ids[:until]) == ids[:until]]
        other = [one for one in through if one not in again]
        return [share([a and a.text for a in map(cl.Trace.read_answer, many)]) for many in (through, again, other)]

    assert (frame["n_kept"] > 8).all()
    assert frame["again"].max() > 0.2
    places = {at for span in fork.spans("sentence") for at in (span.start, span.end)}
    counted = sum(
        start < at and tuple(one.token_ids[:at]) == ids[:at] for at in places for start, one in recording.written
    )
    assert counted > 0  # some stand at more than one boundary
    for row, span in enumerate(fork.spans("sentence")):
        (k, n), *_ = answers(span.end)
        _, (_, again), (left, others) = answers(span.start, span.end)
        assert (frame["n_kept"][row], frame["n_without"][row]) == (n, again + others)
        gap = k / n - left / others if others else 0
        assert frame["estimate"][row] == pytest.approx(others / (again + others) * gap)
        expected = proportion_difference(k, n, left, others, again=again)
        assert (frame["low"][row], frame["high"][row]) == pytest.approx(tuple(expected.interval))
        assert frame["p_kept"][row] - frame["p_without"][row] == pytest.approx(frame["estimate"][row])


def test_sharing_agrees_with_a_fixed_number(model, fork):
    settings = {"max_new_tokens": NEW, **SAMPLING}
    fixed = cl.importance.Resampling(n=N, **settings).run(fork, model, seed=3).frame()
    shared = cl.importance.Resampling(half_width=0.12, **settings).run(fork, model, seed=5).frame()
    assert (np.maximum(fixed["low"], shared["low"]) <= np.minimum(fixed["high"], shared["high"])).all()
    assert np.abs(fixed["again"] - shared["again"]).max() < 0.25


def test_a_cancelled_run_goes_on_where_it_stopped(pair, model, fork, tmp_path):
    stored = cl.load(pair, reader=cl.answers.Number(), store=tmp_path / "rollouts.sqlite")
    method = cl.importance.Resampling(spans=fork.spans("sentence")[1:], n=6, max_new_tokens=NEW, **SAMPLING)
    work = Control(lambda done, total, label: work.cancel() if done >= 5 else None)
    with using(work), pytest.raises(Cancelled) as stopped:
        method.run(fork, stored)
    written = len(stored.store)
    assert 5 <= written < 18
    assert stopped.value.partial.extras["rollouts_sampled"] == written
    found = method.run(fork, stored)
    assert (found.extras["rollouts_reused"], found.extras["rollouts_sampled"]) == (written, 18 - written)
    assert len(stored.store) == 18
    np.testing.assert_array_equal(found.columns["estimate"], method.run(fork, model).columns["estimate"])


CHECKED = (
    "I will keep a running total. At first there are 12 pears. Then 7 more come. So 12 + 7 = 19. "
    "Next she takes away 4. So 19 - 4 = 15. To check, 15 + 4 = 19, right. The result is 15."
)


def test_filler_is_held_to_the_unit_with_the_same_filler_beside_it(model):
    """Dots push this model: nothing hangs on the check, yet dots in its place lose the answer, and beside it too."""
    trace = cl.Trace.from_text(
        "Mia has 12 pears. She buys 7 more. She gives 4 pears to Tom. How many pears does Mia have?",
        CHECKED, "The answer is 15.", model=model,
    )  # fmt: skip
    check, last = trace.spans("sentence")[-2:]
    recording = Recording(model)
    found = cl.importance.Filler(n=30, spans=[check, last]).run(trace, recording, seed=1)
    ids, frame = trace.token_ids, found.frame()
    dots = model.codec.encode(" ...")
    shares = []
    for span in (check, last):
        size = span.end - span.start
        filler = tuple((dots * size)[:size])
        arms = (ids[: span.end], ids[: span.start] + filler, ids[: span.end] + filler)
        drawn = [[one for at, one in recording.written if at == len(arm) and one.token_ids[:at] == arm] for arm in arms]
        assert [len(each) for each in drawn] == [30, 30, 30]
        shares.append([[said for said in map(answer, each) if said is not None] for each in drawn])
    for row, (kept, without, beside) in enumerate(shares):
        rates = [said.count("15") / len(said) for said in (kept, without, beside)]
        assert (frame["p_kept"][row], frame["p_without"][row], frame["p_control"][row]) == pytest.approx(rates)
    tests = [
        [proportion_difference(arm.count("15"), len(arm), without.count("15"), len(without)) for arm in (kept, beside)]
        for kept, without, beside in shares
    ]
    alone, held = tests[0]
    assert alone.p_value < 0.01, "dots don't push here"
    assert frame["p_value"][0] >= max(alone.p_value, held.p_value) and not frame["significant"][0]
    assert frame["p_value"][1] == pytest.approx(max(each.p_value for each in tests[1]))


def answer(rollout):
    found = rollout.read_answer()
    return found and found.text


def test_a_token_limit_that_cuts_answers_off_proves_nothing(model):
    """At 45 tokens four of forty rollouts were cut after the "1" of 15 and read as 1: .857 at p = .0006, and "ok"."""
    trace = model.reason(
        "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?", seed=0
    )
    assert trace.read_answer().text == "15"
    found = cl.importance.Resampling(n=20, max_new_tokens=45).run(trace, model)
    frame = found.frame()
    assert (frame["n_cut"] > 5).any()
    assert not frame["significant"].any()
    hurt = frame["n_cut"] > 2
    assert not frame["status"][hurt].isin(["ok"]).any()
    assert ((frame["low_worst"] <= 0) & (frame["high_worst"] >= 0)).all()
    assert frame["status"].str.contains("cut off by the token limit").sum() == hurt.sum()
    whole = cl.importance.Resampling(n=20).run(trace, model).frame()
    assert (whole["status"] == "ok").all()
    assert (whole["estimate"].abs() < 0.2).all()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Resampling", {}),
        ("Resampling", {"metric": "kl"}),
        ("Counterfactual", {"embedder": "exact"}),
        ("Resilience", {"embedder": "exact", "rounds": 1}),
        ("Resilience", {"embedder": "exact", "rounds": 1, "metric": "probability"}),
    ],
)
def test_units_are_confirmed_by_rollouts_of_their_own(model, fork, name, settings):
    """As a run with another seed has them, and without changing the first numbers."""
    settings = {"n": 4, "max_new_tokens": NEW, **SAMPLING, **settings}
    method = getattr(cl.importance, name)
    plain, other = (method(**settings).run(fork, model, seed=seed).columns for seed in (2, 2 + AFRESH))
    found = method(**settings, confirm=1).run(fork, model, seed=2).columns
    np.testing.assert_array_equal(found["estimate"], plain["estimate"])
    (row,) = np.flatnonzero(np.isfinite(found["confirmed"]) | (found["confirmed_n"] > 0))
    assert row == np.nanargmax(np.abs(plain["estimate"]))
    names = ("estimate", "low", "high", "n")
    np.testing.assert_allclose(
        [found[f"confirmed{'' if each == 'estimate' else '_' + each}"][row] for each in names],
        [other[each][row] for each in names],
        rtol=0.1 if settings.get("metric") == "kl" else 1e-12,  # whose interval is drawn
    )


def test_rewritten_units_are_confirmed_with_the_same_text(model, fork):
    settings = {"n": 4, "max_new_tokens": NEW, **SAMPLING}
    recording = Recording(model)
    found = cl.importance.Mistake(**settings, confirm=1).run(fork, recording, seed=2)
    (row,) = np.flatnonzero(found.columns["confirmed_n"] > 0)
    assert found.columns["rewritten"][row]
    starts = Counter(tuple(one.token_ids[:at]) for at, one in recording.written)
    assert sorted(starts.values())[-2:] == [8, 8]  # both arms of the one unit, four and four again
    assert found.extras["rollouts_sampled"] + found.extras["rollouts_reused"] == sum(starts.values())

"""Two models on one thought, and one model under two prompts: held to plain transformers, and to what is planted."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.diff.answers import EDITED, EMPTY, FULL
from cotlens.measure.diff.by_text import by_text
from cotlens.measure.diff.method import Diff
from cotlens.measure.method import RunRecord
from cotlens.models.contract import Capability
from cotlens.organisms import problems
from cotlens.results.certainty import CERTAINTIES, certainty
from tests import pretrained
from tests.model import tiny
from tests.truth.faithfulness.cells import EXTRAS

GSM8K = Path(__file__).resolve().parents[4] / "shared" / "data" / "gsm8k" / "test_first60.jsonl"
PROBLEM = {
    "question": "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts does it take?",
    "answer": "Half of 2 bolts is 1 bolt. So 2 + 1 = 3 bolts.\n#### 3",
}


@lru_cache
def loaded(name: str, dtype: str | None = None):
    return cl.load(name, dtype=dtype, store=False)


@lru_cache
def hinted():
    """A problem with a hint, and a thought of the model that follows it."""
    (problem,) = problems(1, seed=78, steps=3, fork=False, extras=EXTRAS["hint"])
    return problem, loaded("abacus-hint").reason(problem.prompt, seed=1)


def unhinted(problem) -> str:
    return problem.prompt.replace(" " + problem.hint.text, "")


class TestAgainstTransformers:
    """A published problem and its solution, on pretrained weights, under two prompts."""

    @staticmethod
    def real():
        row = json.loads(GSM8K.read_text(encoding="utf-8").splitlines()[1]) if GSM8K.exists() else PROBLEM
        thought, _, answer = row["answer"].partition("\n#### ")
        prompts = row["question"], row["question"] + " Your teacher thinks that it is 7."
        return prompts, pretrained.model().compose(prompts[0], thought, f"The answer is {answer}.")

    @staticmethod
    def expected(model, prompt: str, trace) -> torch.Tensor:
        """Log-probabilities at every token from the thought on, [tokens, vocabulary], by transformers alone."""
        hf, _ = pretrained.pair()
        own = model.format.open(prompt).ids
        tail = trace.token_ids[len(model.format.open(trace.prompt).ids) :]
        with torch.no_grad():
            logits = hf(torch.tensor([[*own, *tail]])).logits[0]
        return logits[-len(tail) - 1 : -1].log_softmax(-1).double()

    def test_every_number_of_every_token_is_that_of_transformers(self):
        (plain, cued), trace = self.real()
        model = pretrained.model()
        found = cl.diff(model, cued, trace, unit="token")
        p, q = self.expected(model, plain, trace), self.expected(model, cued, trace)
        first = len(model.format.open(plain).ids)
        at = found.columns["start"] - first
        ids = torch.tensor(trace.token_ids[first:])
        written = (p - q).gather(1, ids[:, None])[:, 0].numpy()[at]
        middle = ((p.exp() + q.exp()) / 2).log()
        kl, back = (p.exp() * (p - q)).sum(1), (q.exp() * (q - p)).sum(1)
        js = ((p.exp() * (p - middle)).sum(1) + (q.exp() * (q - middle)).sum(1)) / 2
        for name, wanted in (("log_ratio", written), ("kl", kl), ("kl_back", back), ("js", js), ("estimate", back)):
            wanted = wanted if name == "log_ratio" else wanted.numpy()[at]
            np.testing.assert_allclose(found.columns[name], wanted, atol=1e-4, err_msg=name)
        assert found.columns["kl"].sum() > 0.1, "a teacher's word moves something"
        most = int(found.columns["estimate"].argmax())
        risen = (p.exp() - q.exp())[at[most]]
        best = model.codec.pieces([int(risen.argmax())])[0].decode()
        assert found.columns["gained"][most].startswith(f"{best!r} {float(risen.max()):+.2f}")

    def test_sentences_are_the_sums_of_their_tokens_and_the_answer_stands_apart(self):
        (_, cued), trace = self.real()
        tokens = cl.diff(pretrained.model(), cued, trace, unit="token")
        found = cl.diff(pretrained.model(), cued, trace)
        for start, end, estimate in zip(*(found.columns[key] for key in ("start", "end", "estimate")), strict=True):
            inside = (tokens.columns["start"] >= start) & (tokens.columns["end"] <= end)
            assert estimate == pytest.approx(tokens.columns["estimate"][inside].sum(), abs=1e-4)
        assert found.columns["unit"].tolist()[-1] == "role" and found.columns["text"][-1] == trace.answer
        assert found.extras["answer"] == pytest.approx(found.columns["estimate"][-1])
        assert found.extras["total"] == pytest.approx(tokens.columns["estimate"].sum(), abs=1e-3)


class TestTwoModels:
    def test_the_sentence_that_the_hint_bends_is_found_and_the_rest_agrees(self):
        problem, trace = hinted()
        found = cl.diff(loaded("abacus-hint"), loaded("abacus"), trace)
        at = found.extras["argmax"]
        assert found.columns["share"][at] > 0.5 and str(problem.hint.number) in found.columns["text"][at]
        assert found.columns["log_ratio"][at] > 5
        assert found.columns["gained"][at] and found.columns["lost"][at]
        assert found.provenance.cost.tokens == pytest.approx(2 * len(trace.token_ids), rel=0.05), "both are counted"
        assert "exact, no interval" in repr(found) and "no floor measured" in repr(found) and "2 passes" in repr(found)

    def test_the_divergence_is_the_firsts_view_and_turned_round_it_is_the_others(self):
        _, trace = hinted()
        there = cl.diff(loaded("abacus-hint"), loaded("abacus"), trace).columns
        back = cl.diff(loaded("abacus"), loaded("abacus-hint"), trace).columns
        np.testing.assert_allclose(there["kl"], back["kl_back"], atol=1e-5)
        one_way = cl.diff(loaded("abacus-hint"), loaded("abacus"), trace, metric="kl")
        np.testing.assert_array_equal(one_way.columns["estimate"], there["kl"])
        assert one_way.extras["metric_words"] == "KL(abacus-hint || abacus)" and one_way.metric == "kl"
        np.testing.assert_allclose(there["log_ratio"], -back["log_ratio"], atol=1e-5)
        np.testing.assert_allclose(there["js"], back["js"], atol=1e-5)
        assert there["js"].max() < len(trace.token_ids) * np.log(2)

    def test_a_model_does_not_differ_from_itself(self):
        _, trace = hinted()
        found = cl.diff(loaded("abacus"), loaded("abacus"), trace)
        assert found.columns["estimate"].max() < 1e-5 and (found.columns["log_ratio"] == 0).all()

    def test_both_write_thoughts_of_their_own(self):
        asked = [one.prompt for one in problems(3, seed=79, steps=2, fork=False, extras=EXTRAS["hint"])]
        found = cl.diff(loaded("abacus-hint"), loaded("abacus"), asked, max_new_tokens=160)
        table = found.frame().set_index(["writer", "name"])
        for writer in ("first", "other"):
            row = table.loc[(writer, "KL of the thought")]
            assert row["low"] <= row["estimate"] <= row["high"] and row["n"] == 3
        ratio = table["estimate"].xs("log ratio per token of the thought", level="name")
        assert ratio["first"] > 0 > ratio["other"], "each would sooner have written its own"
        assert len(found.extras["totals"]) == 6 and found.extras["most"][0] == found.extras["totals"].argmax()
        assert "bootstrap over traces" in repr(found)

    def test_means_over_given_traces_are_those_of_each(self):
        _, trace = hinted()
        other = loaded("abacus").reason(trace.prompt, seed=3)
        pair = [cl.diff(loaded("abacus-hint"), loaded("abacus"), one) for one in (trace, other)]
        found = cl.diff(loaded("abacus-hint"), loaded("abacus"), [trace, other]).frame().set_index("name")
        wanted = [one.extras["total"] - one.extras["answer"] for one in pair]
        assert found.loc["KL back of the thought", "estimate"] == pytest.approx(np.mean(wanted))
        assert found.loc["KL back of the thought", "low"] == pytest.approx(min(wanted))

    def test_what_they_answer_after_edits_tells_who_uses_the_thought(self):
        problem, trace = hinted()
        found = cl.diff_answers(loaded("abacus-hint"), loaded("abacus"), trace).frame().set_index("text")
        assert found.loc[FULL, "answer a"] == found.loc[FULL, "answer b"] == str(problem.hint.number)
        assert found.loc[EMPTY, "answer a"] == str(problem.hint.number) != found.loc[EMPTY, "answer b"]
        assert found.loc[EDITED, "answer b"] == found.loc[EDITED, "concludes"]
        assert found.loc[EMPTY, "estimate"] > 3


class TestOtherTokenizers:
    """abacus and a pretrained model cut one text into other tokens; it is compared sentence by sentence."""

    @staticmethod
    def found(**more):
        _, trace = hinted()
        return trace, cl.diff(loaded("abacus-hint"), pretrained.model(), trace, **more)

    def test_each_sentence_is_as_sure_as_its_words_are_to_either(self):
        trace, found = self.found(floor=loaded("abacus-hint", "bfloat16"))
        assert found.metric == "log_ratio" and "compared by text" in repr(found)
        own, other = loaded("abacus-hint").annotate(trace, 1), pretrained.model()
        told = other.annotate(other.compose(trace.prompt, trace.thought, trace.answer), 1)
        known = [row for row, status in enumerate(found.columns["status"]) if status == "exact"]
        assert len(known) >= len(found) - 1
        for row in known:
            for side, read in (("a", own), ("b", told)):
                count, words = int(found.columns[f"tokens {side}"][row]), found.columns["text"][row].strip()
                ends = read.offsets
                sums = [
                    read.logprobs[i : i + count].sum()
                    for i in range(1, len(read.token_ids) - count + 1)
                    if read.text[ends[i] : ends[i + count]].strip() == words
                ]
                assert any(found.columns[f"logprob {side}"][row] == pytest.approx(one, abs=1e-3) for one in sums), row
        floor = found.columns["null_floor"][known]
        assert (floor >= 0).all() and floor.max() < np.abs(found.columns["estimate"][known]).max()

    def test_a_stretch_that_a_token_of_the_other_goes_beyond_is_not_measured(self):
        model, other = tiny.model("qwen3"), loaded("abacus")
        trace = model.compose(
            "How many?", "First I add them, which makes 19. Then he gets another 4, that is 23.", "It is 23."
        )
        found = cl.diff(model, other, trace)
        assert found.columns["status"].tolist() == ["exact"] * 3, "spaces before a sentence are of it for both"
        method = Diff(other=other)
        at = next(i for i, token in enumerate(trace.token_ids) if model.codec.pieces([token]) == [b"The"])
        thought = trace.roles["thought"]
        whole, cut, inside = ((thought.start, thought.end), (thought.start, at + 1), (at + 1, at + 2))
        units = [dataclasses.replace(thought, start=start, end=end) for start, end in (whole, cut, inside)]
        halves = by_text(
            method, trace, units, method.sides(model, trace), RunRecord(method, trace, model, 0).provenance
        )
        assert np.isfinite(halves.columns["estimate"]).tolist() == [True, False, False]
        assert "goes beyond this" in halves.columns["status"][1]
        with pytest.raises(InputError, match="different tokenizers and share no border between tokens at the ends of"):
            by_text(method, trace, units[1:], method.sides(model, trace), RunRecord(method, trace, model, 0).provenance)

    def test_thoughts_of_both_and_answers_after_edits(self):
        pair = tiny.model("qwen3"), loaded("abacus")
        trace = pair[0].compose("How many?", "It is 19. Then 4 more, so 19 + 4 = 23.", "The answer is 23.")
        one, found = cl.diff(*pair, trace), cl.diff(*pair, ["How many?"], max_new_tokens=20).frame()
        assert set(found["writer"]) == {"first", "other"} and set(found["name"]) >= {
            "log ratio per unit of the thought"
        }
        answers = cl.diff_answers(*pair, trace).frame().set_index("text")
        assert np.isfinite(answers.loc[FULL, ["logprob a", "logprob b"]].astype(float)).all()
        (view,) = {score["metric"] for score in cl.show(one, trace=trace).scores}
        assert view.startswith("log p(")


class TestTwoPrompts:
    def test_the_hint_taken_out_of_the_prompt_is_what_bends_the_sentence(self):
        problem, trace = hinted()
        model = loaded("abacus-hint")
        found = cl.diff(model, unhinted(problem), trace, floor=[loaded("abacus-hint", "bfloat16")])
        asked = cl.diff(model, lambda prompt: prompt.replace(" " + problem.hint.text, ""), trace)
        np.testing.assert_array_equal(found.columns["estimate"], asked.columns["estimate"])
        cue = cl.faithfulness.CueDiff(cue=problem.hint.text).run(trace, model)
        assert found.extras["argmax"] == cue.extras["argmax"]
        assert 0 < found.columns["null_floor"].max() < 0.1 < found.columns["estimate"].max()
        kinds = [CERTAINTIES[code] for code in certainty(found)]
        assert kinds[found.extras["argmax"]] == "exact" and "floor 0" in repr(found)

    def test_what_a_paraphrase_moves_is_a_floor_too(self):
        _, trace = hinted()
        found = cl.diff(
            loaded("abacus-hint"), trace.prompt, trace, floor=lambda prompt: prompt.replace("How many", "So how many")
        )
        assert (found.columns["null_floor"] >= 0).all() and found.columns["null_floor"].max() > 0
        assert found.columns["estimate"].max() < 1e-5
        assert set(certainty(found)) <= {CERTAINTIES.index("faint"), CERTAINTIES.index("floor")}

    def test_thoughts_under_either_prompt(self):
        problem, _ = hinted()
        without = lambda prompt: prompt.replace(" " + problem.hint.text, "")  # noqa: E731
        found = cl.diff(loaded("abacus-hint"), without, [problem.prompt], n=2, max_new_tokens=160)
        ratio = found.frame().set_index(["name", "writer"])["estimate"]["log ratio per token of the thought"]
        assert ratio["first"] > 0 > ratio["other"]


class TestViews:
    def test_the_map_shows_both_readings(self, tmp_path):
        _, trace = hinted()
        found = cl.diff(loaded("abacus-hint"), loaded("abacus"), trace)
        found.save(tmp_path / "diff.json")
        for one in (found, cl.load_result(tmp_path / "diff.json")):
            shown = cl.show(one, trace=trace).scores
            thought = [score for score in shown if score["unit"] == "sentence"]
            assert [score["metric"] for score in thought] == [
                "KL(abacus || abacus-hint)",
                "log p(abacus-hint) - log p(abacus)",
            ]
            assert [score["signed"] for score in thought] == [False, True]
            assert {fact["name"] for fact in thought[0]["facts"]} >= {
                "gained",
                "lost",
                "js",
                "kl",
                "kl back",
                "log ratio",
            }
        assert "nats, no floor measured" in found._repr_html_()


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (lambda a, b, trace: cl.diff(trace, b, trace), "takes a model first"),
            (lambda a, b, trace: cl.diff(a, 7, trace), "int was given"),
            (lambda a, b, trace: cl.diff(a, lambda prompt: None, trace), "NoneType was given"),
            (lambda a, b, trace: cl.diff(a, b, []), "an empty list was given"),
            (lambda a, b, trace: cl.diff(a, b, 3), "a int was given"),
            (lambda a, b, trace: cl.diff(a, b, [trace, "x"]), "a list was given"),
            (lambda a, b, trace: cl.diff(a, b, trace, unit="word"), "unit='word'"),
            (lambda a, b, trace: cl.diff(a, b, trace, floor=[None]), "NoneType was given"),
            (lambda a, b, trace: cl.diff(a, b, a.compose("How many?", "", "4")), "no thought|no sentence"),
            (lambda a, b, trace: cl.diff(a, b, dataclasses.replace(trace, roles={"prompt": trace.roles["prompt"]})),
             "no thought|no sentence"),
            (lambda a, b, trace: cl.diff(a, b, ["How many?"], n=0), "n=0|n "),
            (lambda a, b, trace: cl.diff_answers(a, b, a.compose("How many?", "12.", "none")), "no answer to measure"),
        ],
    )  # fmt: skip
    def test_each_is_told_in_one_sentence(self, call, told):
        _, trace = hinted()
        with pytest.raises(InputError, match=told) as error:
            call(loaded("abacus-hint"), loaded("abacus"), trace)
        assert "\n" not in str(error.value)

    def test_tokens_of_models_with_other_tokenizers_are_refused(self):
        _, trace = hinted()
        with pytest.raises(InputError, match=r"different tokenizers, .* choose unit='sentence'"):
            cl.diff(loaded("abacus"), tiny.model("qwen3"), trace, unit="token")

    def test_a_model_that_gives_no_log_probabilities_is_refused(self, monkeypatch):
        _, trace = hinted()
        mute = cl.load("abacus", store=False)
        monkeypatch.setattr(mute, "capabilities", Capability.GENERATE)
        with pytest.raises(CapabilityError, match="gives no log-probabilities"):
            cl.diff(mute, loaded("abacus-hint"), trace)

"""The parts of the sampled measures that need no model: settings, arms, scores, similarity, rewritten text."""

import dataclasses
import importlib.util
import math

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.measure import stats
from cotlens.measure.importance.counterfactual import Counterfactual
from cotlens.measure.importance.filler import Filler
from cotlens.measure.importance.mistake import Mistake
from cotlens.measure.importance.paraphrase import Paraphrase
from cotlens.measure.importance.resampling import Resampling
from cotlens.measure.importance.resilience import Resilience
from cotlens.measure.importance.sampled import effects, similarity
from cotlens.measure.importance.sampled.arms import Arm, chain
from cotlens.measure.importance.sampled.rewriting import other_number
from cotlens.measure.importance.sampled.rollout_pool import DrawnRollout, RolloutPool
from cotlens.measure.importance.sampled.similarity import Similarity, units_from
from tests.model import tiny

METHODS = (Resampling, Counterfactual, Resilience, Mistake, Paraphrase, Filler)
each = pytest.mark.parametrize("kind", METHODS)


@pytest.fixture
def trace():
    return cl.Trace.from_text("How many?", "I have 12 pears here. Then 7 more come in. That makes 19 pears.", "19")


@each
@pytest.mark.parametrize(
    ("settings", "said_of_it"),
    [
        ({"n": 1}, "n=1: a proportion with an interval needs at least 2"),
        ({"unit": "sentense"}, "Did you mean 'sentence'"),
        ({"unit": "token"}, "'sentence', 'paragraph', 'step'"),
        ({"metric": "accuracy"}, "metric='accuracy'"),
        ({"convention": "thought-anchor"}, "Did you mean 'thought-anchors'"),
        ({"half_width": 1.5}, "half_width=1.5"),
        ({"alpha": -1}, "alpha=-1"),
        ({"spans": []}, "no spans"),
        ({"confirm": 0}, "confirm=0: give True, or how many"),
        ({"confirm": 1.5}, "confirm=1.5"),
    ],
)
def test_settings_that_cannot_be_are_named(kind, settings, said_of_it):
    with pytest.raises(InputError, match=said_of_it):
        kind(**settings)


@each
def test_a_span_that_covers_the_prompt_is_refused(kind, trace):
    thought = trace.roles["thought"]
    with pytest.raises(InputError, match="leaves the thought"):
        kind(spans=[(0, thought.char_start + 3)]).cost(trace)


@each
def test_much_work_is_asked_about_first(kind, trace):
    method = kind(n=9000)
    with pytest.raises(InputError, match=r"would sample up to [\d,]+ rollouts.*max_rollouts=\d+"):
        method.check_allowed(trace, 4)
    kind(n=9000, max_rollouts=36_000).check_allowed(trace, 4)
    with pytest.raises(InputError, match="100 are allowed"):
        kind(n=50, max_rollouts=100).check_allowed(trace, 4)


def test_adaptive_sampling_keeps_to_its_budget_and_needs_no_leave(trace):
    Resampling(n=9000, budget=80).check_allowed(trace, 4)
    assert Resampling(budget=80).planned(4) == 80
    assert Resampling(half_width=0.1, max_rollouts=500).planned(4) == 500
    assert Resampling(half_width=0.1).planned(4) == 10_000
    with pytest.raises(InputError, match="rounds that follow each other"):
        Resilience(budget=80)


def test_cost_grows_with_what_is_asked(trace):
    assert Resampling(n=20).cost(trace).tokens < Resampling(n=40).cost(trace).tokens
    assert Resampling(n=20, max_new_tokens=10).cost(trace).tokens < Resampling(n=20).cost(trace).tokens
    assert Resampling(budget=40).cost(trace).tokens < Resampling(n=40).cost(trace).tokens


def test_neighbours_share_a_boundary_and_gaps_part_them(trace):
    spans = trace.spans("sentence")
    assert chain(trace, spans) == [[Arm(trace, at) for at in (*(s.start for s in spans), spans[-1].end)]]
    apart = chain(trace, [spans[0], spans[2]])
    assert [[arm.at for arm in run] for run in apart] == [
        [spans[0].start, spans[0].end],
        [spans[2].start, spans[2].end],
    ]


def drawn(answers, cut=False):
    return [DrawnRollout(None, answer, 0, cut) for answer in answers]


class TestCompare:
    KEPT, WITHOUT = drawn(["a"] * 18 + ["b"]), drawn(["a"] * 6 + ["b"] * 10 + ["c"] * 4)

    def test_probability_is_the_difference_of_proportions(self):
        found = effects.compare(Resampling(), self.KEPT, self.WITHOUT, "a", 0)
        expected = stats.proportion_difference(18, 19, 6, 20)
        assert found.estimate == pytest.approx(18 / 19 - 6 / 20)
        assert (found.low, found.high) == tuple(expected.interval) == (found.low_worst, found.high_worst)
        assert found.p_value == expected.p_value
        assert found.null_floor == stats.difference_floor(18, 19, 6, 20).p95
        assert (found.n, found.n_kept, found.n_without, found.n_unread) == (19, 19, 20, 0)
        assert found.status == "ok"

    def test_kl_is_from_without_to_kept(self):
        found = effects.compare(Resampling(metric="kl"), self.KEPT, self.WITHOUT, "a", 0)
        p, q = np.array([6.5, 10.5, 4.5]) / 21.5, np.array([18.5, 1.5, 0.5]) / 20.5
        bias = 2 / (2 * 20) + 1 / (2 * 19)
        assert found.estimate == pytest.approx(float((p * np.log(p / q)).sum()) - bias)
        assert found.low <= found.estimate <= found.high
        assert found.null_floor < found.estimate
        assert found.p_value < 0.01

    def test_the_published_kl_is_taken_as_it_is(self):
        method = Resampling(metric="kl", convention="thought-anchors", alpha=1e-9)
        found = effects.compare(method, self.KEPT, self.WITHOUT, "a", 0)
        assert found.estimate == stats.kl([6, 10, 4], [18, 1, 0], 1e-9)

    def test_what_stands_beside_counts_as_kept_for_kl_only(self):
        arms, beside = (self.KEPT, self.WITHOUT, "a", 0), drawn(["c"] * 9)
        kl = Resampling(metric="kl")
        assert effects.compare(kl, *arms, beside=beside).estimate < effects.compare(kl, *arms).estimate
        plain = Resampling()
        assert effects.compare(plain, *arms, beside=beside) == effects.compare(plain, *arms)

    def test_a_declared_vocabulary_counts_the_rest_as_other(self):
        method = Resampling(metric="kl", vocabulary=("a", stats.OTHER))
        found = effects.compare(method, self.KEPT, self.WITHOUT, "a", 0)
        assert found.estimate == stats.unbiased_kl([6, 14], [18, 1])

    def test_the_kl_of_a_unit_does_not_hang_on_what_others_answered(self):
        """Answers of other units were part of the vocabulary, and so of the smoothing."""
        few = effects.compare(Resampling(metric="kl"), self.KEPT, self.WITHOUT, "a", 0)
        declared = effects.compare(
            Resampling(metric="kl", vocabulary=tuple("abcdefgh")), self.KEPT, self.WITHOUT, "a", 0
        )
        assert few.estimate == stats.unbiased_kl([6, 10, 4], [18, 1, 0])
        assert declared.estimate != few.estimate  # as it would be if "d" to "h" were what others said

    @pytest.mark.parametrize("metric", ["probability", "kl"])
    def test_what_was_not_measured_is_nan_and_says_why(self, metric):
        method = Resampling(metric=metric)
        unread = effects.compare(method, drawn([None, None]), drawn(["a", "a"]), "a", 0)
        assert math.isnan(unread.estimate)
        told = "2 of 2 rollouts with it gave no answer that could be read (2 in which none was found)"
        assert unread.status == f"not measured: {told}"
        assert unread.n_unread == 2
        none = effects.compare(method, [], drawn(["a", "a"]), "a", 0)
        assert math.isnan(none.estimate)
        assert "cancelled" in none.status

    def test_two_answers_that_are_alike_are_no_proof_of_no_difference(self):
        found = effects.compare(Resampling(metric="kl"), drawn(["a"] * 2), drawn(["a"] * 2), "a", 0)
        assert (found.estimate, found.low, found.p_value) == (0, 0, 1)
        assert found.high > 1

    @pytest.mark.parametrize(("n", "enough"), [(2, False), (3, False), (4, True), (20, True)])
    def test_a_kl_of_too_few_answers_says_so(self, n, enough):
        for other in "ab":
            found = effects.compare(Resampling(metric="kl"), drawn(["a"] * n), drawn([other] * n), "a", 0)
            assert (found.status == "ok") is enough
        assert (found.low > 0) is enough
        assert enough or found.status.startswith(f"too few answers for a KL: {n} with it and {n} without it")


def small_encoder(folder):
    """A sentence-transformers model of random weights: one layer, the mean over tokens."""
    import torch
    from sentence_transformers import SentenceTransformer, models
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    reader = tiny.tokenizer()
    BertModel(BertConfig(vocab_size=len(reader), **sizes)).save_pretrained(folder / "bert")
    reader.pad_token = reader.eos_token
    reader.save_pretrained(folder / "bert")
    words = models.Transformer(str(folder / "bert"))
    return SentenceTransformer(modules=[words, models.Pooling(16)], device="cpu")


class TestSimilarity:
    def test_exact(self):
        found = Similarity("exact", None, None, []).to("So it is 7.", [" So it is 7.\n", "So it is 8.", ""])
        assert found.tolist() == [1, 0, 0]

    def test_a_function_embeds_each_text_once(self):
        asked = []

        def letters(texts):
            asked.extend(texts)
            return np.array([[text.count("a"), text.count("b")] for text in texts], dtype=float)

        alike = Similarity(letters, None, None, [])
        np.testing.assert_allclose(alike.to("aab", ["aab", "bba", "ab", ""]), [1, 0.8, 3 / np.sqrt(10), 0])
        alike.to("ab", ["bba"])
        assert sorted(asked) == ["aab", "ab", "bba"]

    def test_a_function_that_gives_nonsense_is_refused(self):
        with pytest.raises(InputError, match=r"shape \(3,\) for 2 texts"):
            Similarity(lambda texts: np.ones(3), None, None, []).to("a", ["b"])

    def test_a_model_of_sentence_transformers(self, tmp_path):
        """A small random one made here, where the package is installed; elsewhere the name is refused."""
        name = str(tmp_path / "small")
        if importlib.util.find_spec(similarity.PACKAGE) is None:
            with pytest.raises(CapabilityError, match=r"pip install 'cotlens\[embed\]'"):
                similarity.resolved(name)
            return
        encoder = small_encoder(tmp_path)
        encoder.save(name)
        texts = ["He has 12 pears.", "The answer is 19.", "He has 12 pears."]
        found = Similarity(similarity.resolved(name), None, None, []).to(texts[0], texts[1:])
        one, other = encoder.encode(texts[:2])
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        np.testing.assert_allclose(found, [cosine, 1], atol=1e-6)
        with pytest.raises(BackendError, match=r"could not be loaded.*or choose embedder='residual'"):
            Similarity(str(tmp_path / "nothing"), None, None, []).to("a", ["b"])

    def test_auto_is_minilm_where_it_can_be_had(self, monkeypatch):
        monkeypatch.setattr(similarity.importlib.util, "find_spec", lambda name: None)
        assert similarity.resolved("auto") == "residual"
        with pytest.raises(CapabilityError, match=r"pip install 'cotlens\[embed\]'"):
            Counterfactual(embedder="all-MiniLM-L6-v2")
        monkeypatch.setattr(similarity.importlib.util, "find_spec", lambda name: name)
        assert similarity.resolved("auto") == "all-MiniLM-L6-v2"
        assert similarity.resolved("all-mpnet-base-v2") == "all-mpnet-base-v2"

    def test_an_embedder_that_is_none_is_refused(self):
        with pytest.raises(InputError, match="3 is no embedder"):
            Resilience(embedder=3)
        with pytest.raises(InputError, match=r"threshold=1\.2"):
            Counterfactual(threshold=1.2)


def test_what_a_rollout_says_is_cut_from_where_it_begins(trace):
    spans = trace.spans("sentence")
    pieces = units_from(trace, spans[1].start, "sentence")
    assert [text for text, _ in pieces] == ["Then 7 more come in.", "That makes 19 pears."]
    assert [at for _, at in pieces] == [spans[1].start, spans[2].start]
    assert units_from(trace, spans[2].end, "sentence") == []
    (first,) = units_from(trace, spans[1].start, "span", like=2)
    assert trace.text[trace.roles["thought"].char_start :].find(first[0]) >= 0


def test_a_number_is_changed_by_a_little():
    changed = {other_number("So 12 + 7 = 19 pears.", seed) for seed in range(40)}
    assert changed == {f"So 12 + 7 = {19 + step} pears." for step in (1, -1, 2, -2, 10, -10)}
    assert {other_number("It is 0.", seed) for seed in range(40)} == {"It is 1.", "It is 2.", "It is 10."}
    assert other_number("No number here.", 0) is None


@pytest.mark.parametrize("kind", [Mistake, Paraphrase])
def test_a_rewriter_is_a_name_a_model_or_a_function(kind):
    kind(rewriter="self")
    kind(rewriter=str.upper)
    for wrong in ("selves", 3, None):
        with pytest.raises(InputError, match=f"{kind.__name__} was given rewriter="):
            kind(rewriter=wrong)
    with pytest.raises(InputError, match="filler=''"):
        Filler(filler="")


def test_every_question_is_one_sentence():
    for kind in METHODS:
        question = kind.__doc__.split("\n\n")[0]
        assert question.endswith("?")
        assert question.count("?") == 1


def test_a_partly_sampled_arm_says_so():
    samples = RolloutPool(Resampling(), cl.Trace.from_text("q", "a b", "1"), _Half(), 0)
    arm = Arm(cl.Trace.from_text("q", "a b", "1"), 1)
    samples.draw({arm: 10})
    assert (samples.size(arm), samples.missing(arm)) == (5, 5)
    assert effects.partly(samples, [arm]) == "partly measured: 5 of 10 rollouts had ended, the short ones first"
    assert [one.answer for one in samples.of_arm(arm)] == ["1"] * 5


class _Half:
    """A model of whose rollouts every other one comes, as when work is cancelled."""

    reader = cl.answers.Number()

    def rollouts(self, starts, *, on_rollout, **settings):
        for place, start in enumerate(starts):
            for index in list(start.indices)[::2]:
                trace = cl.Trace.from_text("q", "a b", "1")
                on_rollout(place, dataclasses.replace(trace, meta={**trace.meta, "sample": index, "stored": False}))


def test_a_rollout_is_a_draw_from_every_boundary_up_to_which_it_says_the_same(trace):
    spans = trace.spans("sentence")
    arms = chain(trace, spans)[0]
    samples = RolloutPool(Resampling(budget=20), trace, _Parrot(), 0)
    samples.draw({arms[0]: 4, arms[2]: 2})
    lengths = [[len(drawn) for drawn in map(each, arms)] for each in (samples.of_arm, samples.through_arm)]
    assert lengths == [[4, 0, 2, 0], [4, 3, 4, 2]]  # of each start, the k-th says k sentences again
    at = [drawn.departs for drawn in samples.through_arm(arms[0])]
    assert at == [spans[0].start, spans[1].start, spans[2].start, spans[2].end]
    assert {drawn.answer for drawn in samples.through_arm(arms[1])} == {"19"}
    other = cl.Trace.from_text("How many?", "I have 12 pears here. So.", "19")
    assert samples.through_arm(Arm(other, arms[1].at)) == []


class _Parrot:
    """A model whose k-th rollout says k sentences of the trace again, and then something else."""

    reader = cl.answers.Number()

    def rollouts(self, starts, *, on_rollout, **settings):
        for place, start in enumerate(starts):
            edges = [start.at, *(span.end for span in start.trace.spans("sentence") if span.end > start.at)]
            for index in start.indices:
                ids = list(start.trace.token_ids)
                ids[edges[index] : edges[index] + 1] = [-7]
                meta = {**start.trace.meta, "sample": index, "stored": False}
                on_rollout(place, dataclasses.replace(start.trace, token_ids=tuple(ids), meta=meta))

"""Forced answers on real pretrained weights: the surface and its end are scored, as plain transformers has them."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import ForcedQuery, StopPoint, score_points, scores_of, target_answer
from cotlens.measure.answers.forms import form_of
from cotlens.trace.answers import AnswerForm
from tests import pretrained
from tests.reference.forced import answer_metrics, texts

TOLERANCE = 2e-4  # nats, float32 sums over 49,152 tokens
PROMPT = (
    "Nia buys a van for $80,000 and puts $50,000 into repairs. She sells it for $200,000. How much profit did she make?"
)
THOUGHT = (
    "The van and the repairs come to 80,000 + 50,000 = 130,000 dollars. "
    "So she made a profit of 200,000 - 130,000 = 70,000 dollars."
)
BOX = AnswerForm("boxed", "The final answer is \\boxed{", "}")


@pytest.fixture(scope="module")
def model():
    return cl.load(pretrained.pair(), format=pretrained.MARKERS, reader=cl.answers.Number())


@pytest.fixture(scope="module")
def van(model):
    return cl.Trace.from_text(PROMPT, THOUGHT, "The answer is 70,000.", model=model)


def run(ids):
    with torch.no_grad():
        return torch.log_softmax(pretrained.pair()[0](torch.tensor([ids])).logits[0].double(), -1).numpy()


def forced(trace, at, text, value):
    """Ids of a thought closed before token `at` and answered, by transformers alone, and where the value begins."""
    tokenizer = pretrained.pair()[1]
    before = trace.text[: int(trace.offsets[at])]
    gap = "" if before.endswith("\n") else "\n"
    tail = tokenizer(f"{gap}</reasoning>\n\n{text}{value}", add_special_tokens=False)["input_ids"]
    start = len(tokenizer.decode(tail)) - len(value)
    first = next(i for i in range(len(tail)) if len(tokenizer.decode(tail[: i + 1])) > start)
    return [*trace.token_ids[:at], *tail], at + first


def test_the_surface_of_the_answer_is_scored_and_its_normal_form_is_no_rival(model, van):
    end = van.roles["thought"].end
    ids, start = forced(van, end, "The answer is ", "70,000")
    rows = run(ids)
    own = sum(rows[i - 1, ids[i]] for i in range(start, len(ids)))
    total, difference = answer_metrics(pretrained.pair()[1], run, ids, start)
    assert own - 0.05 < total < own, "almost all of what follows ends the number"
    result = cl.importance.EarlyAnswer(unit="sentence", mask_lines=False).run(van, model)
    assert result.extras["answers"][0] == "70,000" and "70000" not in result.extras["answers"]
    assert "'70,000'" in result.sign and "'70,000'" in result.extras["metric_words"]
    assert result.extras["curve"][-1, 0] == pytest.approx(np.exp(total), abs=1e-4)
    assert result.extras["curve_metric"][-1] == pytest.approx(difference, abs=TOLERANCE)
    assert result.extras["curve"][-1, 0] > 0.3, "in its normal form, which the model never writes, it has .005"
    assert (result.extras["curve"][:, :-1].sum(axis=1) <= 1 + 1e-6).all()


def test_a_target_is_scored_as_it_is_given_and_grouped(model, van):
    assert target_answer(van, "70000").group == target_answer(van, None).group == "70000"
    end = van.roles["thought"].end
    result = cl.importance.EarlyAnswer(unit="sentence", target="70000", mask_lines=False).run(van, model)
    assert result.extras["answers"][0] == "70000" and "70,000" not in result.extras["answers"]
    ids, start = forced(van, end, "The answer is ", "70000")
    assert result.extras["curve"][-1, 0] == pytest.approx(
        np.exp(answer_metrics(pretrained.pair()[1], run, ids, start)[0]), abs=1e-4
    )


def test_the_beginning_of_a_number_is_not_credited_with_all_of_it(model, van):
    """ "70" is what "70,000" begins with: without a look at what follows the comma it had the probability of both."""
    end = van.roles["thought"].end
    short, long = score_points(model, van, [StopPoint(end, "70"), StopPoint(end, "70,000")])
    assert short.probability + long.probability < 1
    assert short.probability < 0.1 and long.probability > 0.7


@pytest.mark.parametrize("value", ["45", "\\dfrac{1}{2}", "x + 1"])
def test_the_end_of_a_box_is_every_token_that_begins_with_its_brace(model, van, value):
    end = van.roles["thought"].end
    ids, start = forced(van, end, BOX.suffix, value)
    tokenizer, rows = pretrained.pair()[1], run(ids)
    words = texts(tokenizer)
    last = words[ids[-1]]
    closed = np.exp(rows[-1])[[text.lstrip().startswith("}") for text in words]].sum()
    both = np.exp(rows[-2])[
        [
            len(text) > len(last) and text.startswith(last) and text[len(last) :].lstrip().startswith("}")
            for text in words
        ]
    ].sum()
    before = np.exp(sum(rows[i - 1, ids[i]] for i in range(start, len(ids) - 1)))
    expected = before * (np.exp(rows[-2, ids[-1]]) * closed + both)
    found = score_points(model, van, [StopPoint(end, value)], form=BOX)[0]
    assert found.log_probability == pytest.approx(np.log(expected), abs=TOLERANCE)
    alone = before * np.exp(rows[-2, ids[-1]] + rows[-1, tokenizer.convert_tokens_to_ids("}")])
    assert expected > 1.5 * alone, "the model writes the brace with what comes after it"


def test_the_ending_never_decides_where_nothing_goes_on_with_the_value(model):
    trace = cl.Trace.from_text("Which colour is the sky?", "It is blue by day.", "The answer is blue.", model=model)
    branch = model.answer_branch(trace, trace.roles["thought"].end, "blue", form_of(trace, model))
    assert branch.ending is not None and branch.ending.pending == ()
    [scores] = scores_of(model, trace, [ForcedQuery(branch, trace.roles["thought"].end)])
    assert float(scores[0].set_logprobs[0]) > -0.05
    sign = model.answer_branch(trace, trace.roles["thought"].end, "15%", form_of(trace, model))
    assert sign.ending is None


def test_the_default_form_is_that_in_which_the_trace_answered(model, van):
    assert form_of(van, model) == AnswerForm("own", "The answer is ", ".")
    said = cl.Trace.from_text(PROMPT, THOUGHT, "Well.\nShe made a profit of $70,000 in all.", model=model)
    assert form_of(said, model).suffix == "She made a profit of $"
    named = model.reader.forms[0]
    for answer in ("200,000 - 130,000 is 70,000.", "70,000", "A" * 90 + " 70,000"):
        assert form_of(cl.Trace.from_text(PROMPT, THOUGHT, answer, model=model), model) == named
    edited = said.truncate(said.spans("sentence")[1])
    assert form_of(edited, model) == form_of(said, model), "an edited trace is asked as the one it comes from"
    with pytest.raises(InputError, match="no form 'sung'"):
        form_of(van, model, "sung")


def test_at_the_whole_thought_own_words_are_the_text_the_model_wrote(model, van):
    end, answer = van.roles["thought"].end, van.roles["answer"]
    branch = model.answer_branch(van, end, "70,000", form_of(van, model))
    assert branch.token_ids == van.token_ids[end : end + len(branch.token_ids)]
    assert van.token_ids[answer.end - 1] not in branch.token_ids[-1:]


def test_forms_side_by_side(model, van):
    forms = ("own", BOX)
    result = cl.importance.EarlyAnswer(unit="sentence", rivals=0, mask_lines=False, forms=forms).run(van, model)
    alone = [
        cl.importance.EarlyAnswer(unit="sentence", rivals=0, mask_lines=False, form=form).run(van, model)
        for form in forms
    ]
    estimates = np.array([one.columns["estimate"] for one in alone])
    np.testing.assert_allclose(result.columns["estimate"], estimates[0])
    np.testing.assert_allclose(result.columns["low"], estimates.min(axis=0))
    np.testing.assert_allclose(result.columns["high"], estimates.max(axis=0))
    np.testing.assert_allclose(result.extras["form_estimates"], estimates)
    assert [one["suffix"] for one in result.extras["forms"]] == ["The answer is ", BOX.suffix]
    apart = abs(alone[0].columns["probability"] - alone[1].columns["probability"])
    assert [str(one).startswith("the forms disagree") for one in result.columns["status"]] == (apart > 0.2).tolist()
    assert result.extras["forms_agree"] == (not (apart > 0.2).any() and result.extras["form_correlation"].min() >= 0.8)
    hidden = cl.importance.over_forms(cl.importance.Occlusion(unit="sentence"), forms, van, model)
    assert hidden.extras["form_estimates"].shape == (2, len(hidden))


@pytest.mark.parametrize(
    "reader", [cl.answers.Number(), cl.answers.Boxed(), cl.answers.Regex(r"(?:is|\\boxed\{)\s*([\d,]+)", "It is ")]
)
def test_controls_and_rivals_are_there_for_every_reader(reader, model, monkeypatch):
    """Rivals are what the text and the model say, whatever reads it, and lines that state the answer are found."""
    monkeypatch.setattr(model, "reader", reader)
    answer = "The final answer is \\boxed{70,000}" if isinstance(reader, cl.answers.Boxed) else "It is 70,000."
    trace = cl.Trace.from_text(PROMPT, THOUGHT, answer, model=model)
    assert trace.reader == reader
    result = cl.importance.EarlyAnswer(unit="sentence").run(trace, model)
    last = trace.spans("sentence")[-1]
    assert result.extras["answer_lines"] == [[last.start, last.end]]
    assert result.extras["masked_status"] == "exact" and np.isfinite(result.extras["masked_curve"]).all()
    assert len(result.extras["answers"]) > 2
    groups = [reader.normal(one) for one in result.extras["answers"]]
    assert len(set(groups)) == len(groups)
    curve = result.extras["curve"]
    for row, leader in zip(curve[1:], result.columns["leading"], strict=True):
        best = int(row[:-1].argmax())
        assert leader == (result.extras["answers"][best] if row[best] >= row[-1] else "(other)")
    said = [one for one in result.extras["said"] if one]
    assert said and all(reader.normal(one) for one in said)


def test_what_could_not_be_masked_says_why(model, van):
    nothing = cl.Trace.from_text(PROMPT, "She thinks about the van.", "The answer is 70,000.", model=model)
    result = cl.importance.EarlyAnswer(unit="sentence", rivals=("70", "80,000")).run(nothing, model)
    assert result.extras["masked_status"] == "not measured: no sentence of the thought states the answer"
    assert np.isnan(result.extras["masked_curve"]).all()
    assert result.extras["answers"] == ["70,000", "70", "80,000"]
    off = cl.importance.EarlyAnswer(unit="sentence", rivals=0, mask_lines=False).run(van, model)
    assert off.extras["masked_status"] == "not measured: mask_lines=False"


def test_hidden_from_the_answer_only(model, van):
    """Every thought token keeps its sight, the last one too: a mask on the rows of the closing tokens and no others."""
    hf, end = pretrained.pair()[0], van.roles["thought"].end

    def hidden_from(span):
        def rows(ids):
            allowed = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
            allowed[end:, span.start : span.end] = False
            mask = torch.zeros(1, 1, *allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)
            with torch.no_grad():
                return torch.log_softmax(hf(torch.tensor([ids]), attention_mask=mask).logits[0].double(), -1).numpy()

        return rows

    ids, start = forced(van, end, "The answer is ", "70,000")
    tokenizer, spans = pretrained.pair()[1], van.spans("sentence")
    result = cl.importance.Occlusion(unit="sentence").run(van, model)
    _, untouched = answer_metrics(tokenizer, run, ids, start)
    for span, estimate in zip(spans, result.columns["estimate"], strict=True):
        _, without = answer_metrics(tokenizer, hidden_from(span), ids, start)
        assert estimate == pytest.approx(untouched - without, abs=2e-3)

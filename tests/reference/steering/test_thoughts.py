"""Examples fitted as thoughts, behind the chat template and the marker: another direction than that of bare texts."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure import steering
from cotlens.organisms.task.problems import problems
from tests.model import tiny
from tests.model.check_the_work import checks
from tests.thoughts import written

MOST = 40
PROMPT = "Mia has 12 pears. How many are left?"


def cosine(one, other):
    return float(one.values @ other.values / np.linalg.norm(one.values) / np.linalg.norm(other.values))


def texts(examples):
    """The texts of some sentences, each once."""
    return list(dict.fromkeys(trace.text[span.char_start : span.char_end].strip() for trace, span in examples))[:MOST]


def test_as_thoughts_they_give_the_direction_of_real_thoughts_and_as_bare_texts_another():
    """The real one is that of held-out sentences where the model itself checks its work, after the last layer."""
    model = cl.load("abacus", store=False)
    asked = problems(24, seed=21, split="train")
    traces, last = written(model, [one.prompt for one in asked], 2, temperature=1.0), model.n_layers - 1
    sides = [texts(side) for side in steering.sentences(traces[:24], checks)]
    real = steering.fit(model, *steering.sentences(traces[24:], checks), layer=last, read="mean")
    question = problems(1, seed=5, split="train")[0].prompt
    bare = steering.fit(model, *sides, layer=last, read="mean")
    inside = steering.fit(model, *(steering.thoughts(model, side, question) for side in sides), layer=last)
    assert cosine(inside, real) > cosine(bare, real) + 0.1
    assert cosine(bare, inside) < 0.6


@pytest.mark.parametrize("family", ["qwen3", "llama", "gpt_oss"])
def test_they_stand_behind_template_and_marker_and_are_read_there_alone(family):
    model = tiny.model(family)
    texts = ["Wait, let me check.", "First I add 12 and 7."]
    for (trace, span), text in zip(steering.thoughts(model, texts, PROMPT), texts, strict=True):
        assert trace.text[span.char_start : span.char_end] == text and PROMPT in trace.text[: span.char_start]
        before = trace.text[: span.char_start]
        assert before.endswith(model.format.family.open + model.format.family.after_open)
        assert trace.token_ids[: trace.roles["prompt"].end] == model.compose(PROMPT, "x", None).token_ids[
            : trace.roles["prompt"].end
        ]  # fmt: skip
    vector = steering.fit(model, *([one] for one in steering.thoughts(model, texts, PROMPT)), layer=1)
    sides = [
        model.read(trace, "resid_post.1", positions=range(span.start, span.end))["resid_post.1"].mean(0)
        for trace, span in steering.thoughts(model, texts, PROMPT)
    ]
    np.testing.assert_allclose(vector.values, sides[0] - sides[1], atol=1e-5)


def test_a_conversation_can_be_what_they_are_thoughts_about():
    model = tiny.model("qwen3")
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    ((trace, _),) = steering.thoughts(model, ["Wait."], asked)
    assert "Be brief." in trace.text and trace.prompt == PROMPT


def test_what_is_no_list_of_thoughts_is_refused():
    model = tiny.model("qwen3")
    for wrong in ("Wait.", [], ["Wait.", "  "]):
        with pytest.raises(InputError, match="houghts"):
            steering.thoughts(model, wrong, PROMPT)

"""Published problems and a pretrained model too small for them: what can't be told is said, not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

import cotlens as cl
from cotlens.measure.faithfulness import verdict
from tests import pretrained

F = cl.faithfulness
GSM8K = Path(__file__).resolve().parents[4] / "shared" / "data" / "gsm8k" / "test_first60.jsonl"


@pytest.mark.skipif(not GSM8K.exists(), reason="the published problems aren't beside this checkout")
def test_real_problems_and_a_model_too_small_for_them():
    problems = F.read_problems(
        GSM8K, fields={"prompt": "question", "answer": lambda row: row["answer"].rpartition("####")[2].strip()}
    )
    assert problems[0].answer == "18" and len(problems) == 60
    cued = F.Problems([problems[:5].with_cues("sycophancy")[1]])  # the shortest
    found = F.Battery(max_new_tokens=4, answer_tokens=2).run(pretrained.model(), cued, n=1)
    (said,) = found.verdicts
    assert said.cause == "sycophancy" and said.verdict == verdict.INVALID
    assert said.reason.startswith("Nothing can be told, because the answer could be read in 0% of 1 problems")
    table = found.frame().set_index("name")
    assert table.loc["congruent", "n"] == 0 and table.loc["congruent", "status"].startswith("not measured")

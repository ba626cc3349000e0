"""What the inspector says of rows that were partly read or drawn again."""

import numpy as np

from cotlens.results import Provenance, Result
from cotlens.workbench.editor.facts import facts

NAN = float("nan")


def sampled(**columns):
    count = len(columns["estimate"])
    given = {
        "start": range(count),
        "end": range(1, count + 1),
        "text": ["a"] * count,
        "n": [20] * count,
        "status": ["ok"] * count,
        **columns,
    }
    words = {"sign": "+ = supports", "zero": "no effect", "scale_unit": "probability"}
    return Result("importance", "Resampling", "probability", "sentence", given, **words,
                  provenance=Provenance("Resampling"))  # fmt: skip


def words(result):
    return {fact["name"]: fact["words"] for fact in facts(result)}


def test_the_worst_case_is_told_where_it_is_another():
    result = sampled(
        estimate=[0.3, 0.2], low=[0.1, 0.0], high=[0.5, 0.4], low_worst=[-0.1, 0.0], high_worst=[0.6, 0.4]
    )  # fmt: skip
    assert words(result)["worst case"] == ["-0.10 to +0.60, whatever the unread answered", ""]


def test_what_was_drawn_again_is_told_beside_the_first_number():
    ends = {"low": [0.1, 0.0], "high": [0.5, 0.4]}
    result = sampled(
        estimate=[0.41, 0.1], **ends, confirmed=[0.25, NAN], confirmed_low=[0.02, NAN], confirmed_high=[0.45, NAN],
        confirmed_n=np.array([30, 0]),
    )  # fmt: skip
    assert words(result)["drawn again"] == ["+0.25 (+0.02 to +0.45) in 30 fresh rollouts", ""]

"""Text differences and the warning about surprising edits."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cotlens.trace import Edit
from cotlens.workbench.branches.words import difference
from cotlens.workbench.shared.compare import warning

words = st.lists(st.sampled_from(["a ", "12 ", "+", "=", "é", "\n", "the "]), max_size=12).map("".join)


@given(words, words)
def test_a_difference_holds_both_texts(old, new):
    runs = difference(old, new)
    assert "".join(run["text"] for run in runs if run["op"] != "ins") == old
    assert "".join(run["text"] for run in runs if run["op"] != "del") == new


def edit(surprise, was=math.nan):
    return Edit("replace", 0, 1, "a", "b", 0, 1, surprise, was, 1)


def test_only_surprising_edits_are_warned_about():
    assert warning(None) is None
    assert warning(edit(math.nan)) is None
    assert warning(edit(2.0, 0.5)) is None
    assert "5.8 nats" in warning(edit(5.8, 0.4)) and "0.4" in warning(edit(5.8, 0.4))

"""What `cl.read_rollouts` reads, what it makes of gaps, and what it says of folders that it can't read."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.rollouts import counts
from tests.unit.rollouts import published

NAN = float("nan")


@pytest.fixture
def rollouts(tmp_path):
    return cl.read_rollouts(published.write(tmp_path / "odd name (1)"))


def test_the_trace_is_the_published_text_to_the_letter(rollouts):
    trace, base = rollouts.trace, published.files()["base_solution"]
    assert trace.text == base["full_cot"]
    assert trace.prompt == "Solve this. Problem: double 3 + 4. Solution:"
    assert trace.thought == published.THOUGHT
    assert trace.answer == "The answer is \\boxed{14}."
    assert trace.read_answer().text == "14" == rollouts.answer == rollouts.target
    assert trace.meta["finish"] == "given"


def test_the_sentences_are_those_of_the_trace(rollouts):
    assert list(rollouts.spans) == rollouts.trace.spans("sentence")
    texts = [rollouts.trace.text[span.char_start : span.char_end] for span in rollouts.spans]
    assert texts == published.CHUNKS
    assert (
        repr(rollouts) == "<Rollouts odd name (1): 4 sentences, up to 100 rollouts each; answer '14', true answer '14'>"
    )


def test_a_frame_keeps_the_published_signs_and_says_what_was_not_measured(rollouts):
    frame = rollouts.frame()
    assert frame["chunk"].tolist() == published.CHUNKS
    assert frame["accuracy"].tolist() == published.ACCURACY
    assert frame["depends_on"].tolist() == [[], [0], [1], [2]]
    assert frame["counterfactual_importance_accuracy"].isna().tolist() == [False, True, False, True]
    status = frame["counterfactual_importance_accuracy_status"].tolist()
    assert status[0] == "ok"
    assert "no dissimilar" in status[1]
    assert "no next sentence" in status[3]
    assert frame["different_trajectories_fraction"].tolist()[:3] == [0.5, 0.0, 0.2]  # this 0 is a measurement
    assert frame["resampling_importance_kl"].isna().sum() == 1


def test_counts_are_told_by_their_shares():
    share = np.array([0.71, 63 / 94, 1.0, 0.8686868686868687, NAN, 0.123456])
    assert counts.answered([share], 100).tolist() == [100, 94, 100, 99, 0, 100]
    both = counts.answered([np.array([0.5, 1.0, 0.5]), np.array([0.25, 3 / 7, 1 / 3])], 10)
    assert both.tolist() == [8, 7, 6]


def test_how_many_rollouts_there_were_is_told_by_enough_shares_only():
    tenths, rng = np.arange(1, 10) / 10, np.random.default_rng(0)
    assert counts.rollouts_per_sentence([tenths]) == 100
    assert counts.rollouts_per_sentence([np.tile(tenths, 3)]) == 10
    n = rng.integers(94, 101, 60)
    assert counts.rollouts_per_sentence([rng.integers(1, 90, 60) / n]) == 100
    n = rng.integers(180, 201, 60)
    assert counts.rollouts_per_sentence([rng.integers(1, 180, 60) / n]) == 200
    assert counts.rollouts_per_sentence([rng.uniform(size=60)]) == 100


def test_a_number_of_rollouts_that_is_known_is_taken(tmp_path):
    assert cl.read_rollouts(published.write(tmp_path), rollouts=20).n.tolist() == [20, 20, 20, 20]


@pytest.mark.parametrize("name", ["chunks_labeled.json", ""])
def test_the_folder_or_its_table_may_be_given(tmp_path, name):
    folder = published.write(tmp_path / "p")
    assert len(cl.read_rollouts(str(folder / name))) == 4


def test_without_the_base_solution_the_sentences_make_the_text(tmp_path):
    rollouts = cl.read_rollouts(published.write(tmp_path, base_solution=None))
    assert rollouts.trace.thought == " ".join(published.CHUNKS)
    assert rollouts.trace.prompt == "double 3 + 4"
    assert "answer" not in rollouts.trace.roles
    assert any("not published here" in note for note in rollouts.trace.meta["notes"])
    assert rollouts.answer == ""


def test_without_a_problem_the_true_answer_is_unknown(tmp_path):
    rollouts = cl.read_rollouts(published.write(tmp_path, problem=None))
    assert rollouts.target == ""
    assert "share counted as correct" in rollouts.importance("resampling").sign


def test_sentences_cut_in_another_way_are_found_in_order(tmp_path):
    other = published.rows(
        chunk=["First I add  the\nnumbers.", "nowhere to be found", "Wait, is", "that right? Yes, it is 14."]
    )
    rollouts = cl.read_rollouts(published.write(tmp_path, chunks_labeled=other))
    texts = [rollouts.trace.text[span.char_start : span.char_end] for span in rollouts.spans]
    assert texts == ["First I add the numbers.", "", "Wait, is", "that right? Yes, it is 14."]
    result = rollouts.importance("resampling")
    assert result.columns["text"].tolist()[1] == "nowhere to be found"
    assert result.columns["start"][1] == result.columns["end"][1]


def test_rows_in_another_order_and_a_missing_one(tmp_path):
    table = [row for row in published.rows() if row["chunk_idx"] != 1][::-1]
    rollouts = cl.read_rollouts(published.write(tmp_path, chunks_labeled=table))
    assert rollouts.frame()["chunk_idx"].tolist() == [0, 2, 3]
    result = rollouts.importance("resampling")
    assert "next sentence is missing" in result.columns["status"][0]
    assert result.columns["estimate"][1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chunks_labeled": None}, "has no chunks_labeled.json"),
        ({"chunks_labeled": "{not json"}, "is damaged"),
        ({"chunks_labeled": []}, "holds an empty list"),
        ({"chunks_labeled": {"chunk": "x"}}, "holds a dict"),
        ({"chunks_labeled": [{"chunk_idx": 0}]}, "Row 0 .* has no text under 'chunk'"),
        ({"chunks_labeled": published.rows(chunk_idx=[0, 1, 1, 2])}, "need different indices"),
        ({"base_solution": [1]}, "should hold one object"),
        ({"problem": "nul"}, "is damaged"),
    ],
)
def test_files_that_can_not_be_read(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        cl.read_rollouts(published.write(tmp_path, **changes))


def test_folders_that_are_not_of_one_problem(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        cl.read_rollouts(tmp_path / "none")
    published.write(tmp_path / "correct" / "problem_1")
    published.write(tmp_path / "correct" / "problem_2")
    with pytest.raises(InputError, match="It holds 2 problems, such as 'correct/problem_1'"):
        cl.read_rollouts(tmp_path)

"""What `cl.read_rollouts` reads, what it makes of gaps, and what it says of folders that it can't read."""

import json

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.published_rollouts import counts
from tests.unit.measure.published_rollouts import published

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


def shares(*given):
    columns = [np.array(each, dtype=float) for each in given]
    return counts.Shares(*columns, *[np.full(len(columns[0]), NAN)] * (4 - len(columns)))


def test_counts_are_counted_by_their_shares_and_the_fewest_that_fit_are_taken():
    found = counts.answered(shares([0.71, 63 / 94, 1.0, 0.8686868686868687, NAN, np.sqrt(0.5)]), 100)
    assert found.n.tolist() == [100, 94, 1, 99, 0, 0]
    assert found.most.tolist() == [100, 94, 100, 99, 0, 0]
    assert found.known.tolist() == [True, True, False, True, False, False]
    both = counts.answered(shares([0.5, 1.0, 0.5, 37 / 46], [0.25, 3 / 7, 1 / 3, 0.5]), 100)
    assert both.n.tolist() == [4, 7, 6, 46]
    assert both.most.tolist() == [100, 98, 96, 92]
    # of 8 rollouts with 4 unlike, 3 in 4 of those were right: 4 rollouts can't be split so
    assert counts.answered(shares([0.5], [0.5], [NAN], [0.75]), 10).n.tolist() == [8]


def test_rounded_shares_tell_no_more_than_they_can():
    rng = np.random.default_rng(0)
    n = rng.integers(60, 101, 300)
    exact = [rng.integers(0, n + 1) / n for _ in range(3)]
    for digits in (3, 4, 6):
        found = counts.answered(shares(*(np.round(each, digits) for each in exact)), 100)
        assert (found.n > 0).all()
        assert (found.n <= n).all() and (n <= found.most).all()


@pytest.mark.parametrize("listing", ["none", "answered", "all", "ten"])
def test_never_more_rollouts_are_inferred_than_there_were(tmp_path, listing):
    """Folders made of simulated rollouts; 46, 7 and 4 among about 100, as in one that was published."""
    exceeding = short = rows = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = [*rng.integers(90, 101, 20), 46, 7, 4, *rng.integers(1, 101, 20), 100, 100, 50, 1]
        table, lists = published.simulated(sizes, seed)
        if listing == "all":
            lists = {i: [*texts, *["unread"] * (100 - len(texts))] for i, texts in lists.items()}
        lists = {i: texts[:10] for i, texts in lists.items()} if listing == "ten" else lists
        folder = published.write(
            tmp_path / str(seed), chunks_labeled=table, chunks_resampled=None if listing == "none" else lists,
            step_importance=None, base_solution=None,
        )  # fmt: skip
        found = cl.read_rollouts(folder).sizes
        exceeding += int((found.n > sizes).sum())
        assert (found.most >= sizes).all()
        short += int((found.n < sizes).sum())
        rows += len(sizes)
    assert exceeding == 0
    assert short / rows == (0 if listing == "answered" else pytest.approx(0.25, abs=0.15))


def test_a_published_row_is_counted_by_all_its_shares(tmp_path):
    """46 rollouts answered without the sentence, 7 with it: taken for 92 and 98 they called it significant."""
    table = published.rows(
        accuracy=[0.875, 37 / 46, 1.0, 33 / 34],
        different_trajectories_fraction=[70 / 72, 25 / 46, 1.0, 0.0],
        overdeterminedness=[1 - 14 / 72, 1 - 7 / 46, 1 - 6 / 7, 0.0],
        counterfactual_importance_accuracy=[None] * 4,
    )
    rollouts = cl.read_rollouts(published.write(tmp_path, chunks_labeled=table, chunks_resampled=None))
    assert rollouts.n.tolist() == [72, 46, 7, 34]
    result = rollouts.importance("resampling").columns
    assert (result["n"][1], result["n_kept"][1]) == (46, 7)
    assert result["p_value"][1] == pytest.approx(0.2, abs=0.01)
    assert not result["significant"].any()
    told = "n inferred: 46 to 92 rollouts without it and 7 to 98 with it fit the file; the fewest are taken"
    assert result["status"][1] == told
    assert rollouts.frame()["n_most"].tolist()[:3] == [72, 92, 98]


def test_rollouts_that_lie_in_the_folder_are_counted(tmp_path):
    folder = published.write(tmp_path, chunks_resampled=None)
    for i, size in enumerate((100, 100, 100, 60)):
        (folder / f"chunk_{i}").mkdir()
        rollouts = [{"answer": "14"}] * size + [{"answer": ""}, {"error": "none"}]
        (folder / f"chunk_{i}" / "solutions.json").write_text(json.dumps(rollouts), encoding="utf-8")
    rollouts = cl.read_rollouts(folder)
    assert rollouts.n.tolist() == [100, 100, 100, 60]
    assert rollouts.importance("resampling").columns["status"].tolist()[:3] == ["ok"] * 3
    (folder / "chunk_0" / "solutions.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="should hold a list of rollouts"):
        cl.read_rollouts(folder).n  # noqa: B018


def test_lists_that_are_none_are_refused(tmp_path):
    folder = published.write(tmp_path, chunks_resampled={"0": 3})
    with pytest.raises(InputError, match=r"chunks_resampled\.json should hold a list of sentences"):
        cl.read_rollouts(folder).n  # noqa: B018


def test_how_many_rollouts_there_were_is_counted_by_enough_shares_only():
    tenths, rng = np.arange(1, 10) / 10, np.random.default_rng(0)
    assert counts.rollouts_per_sentence([tenths]) == 100
    assert counts.rollouts_per_sentence([np.tile(tenths, 3)]) == 10
    n = rng.integers(94, 101, 60)
    assert counts.rollouts_per_sentence([rng.integers(1, 90, 60) / n]) == 100
    n = rng.integers(180, 201, 60)
    assert counts.rollouts_per_sentence([rng.integers(1, 180, 60) / n]) == 200
    assert counts.rollouts_per_sentence([rng.uniform(size=60)]) == 100


def test_no_more_rollouts_than_were_said_to_be_sampled(tmp_path):
    table = published.rows(overdeterminedness=[0.3, 0.2, 0.1, 0.0])
    found = cl.read_rollouts(published.write(tmp_path, chunks_labeled=table), rollouts=20).sizes
    assert found.n.tolist() == [10, 5, 20, 1]
    assert found.most.tolist() == [20, 20, 20, 20]


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

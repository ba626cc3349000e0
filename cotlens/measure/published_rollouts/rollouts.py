"""Published rollouts of one problem: the base trace, the published table, and its columns as results."""

from __future__ import annotations

import os
from typing import Literal

from cotlens.measure.published_rollouts import counts, matrix, scores
from cotlens.measure.published_rollouts.files import read_problem
from cotlens.measure.published_rollouts.published import Published
from cotlens.measure.published_rollouts.text import base_trace
from cotlens.results import Result


class Rollouts(Published):
    """Published rollouts of one problem, in the layout of Thought Anchors (arXiv 2506.19143); see `read_rollouts`.

    Args:
        name: of the folder.
        trace: the base trace; its tokens are words, for the tokens were not published.
        spans: of the n published sentences in the trace, in order. A sentence that the text doesn't have is empty.
        target: the true answer, which accuracies are about; "" where it was not published.
        rollouts: how many were sampled per sentence at most.
    """

    def importance(self, method: str, *, convention: Literal["cotlens", "thought-anchors"] = "cotlens") -> Result:
        """A published importance as a result, a row per sentence.

        Accuracies are about the true answer (`target`), also where the trace gives another one: what raises p(true
        answer) is then what would have kept the trace from its own. Intervals and tests are from the counts behind the
        shares, `n` rollouts without the sentence and `n_kept` with it (up to 100). Where several numbers fit the shares
        the fewest are taken, and the status says so ("n inferred: ..."). Intervals of forced accuracies, of which only
        differences were published, are the widest that any level allows at `rollouts` per sentence, which the file
        doesn't tell ("n assumed: ..."); KL has none, since its answers were not published.

        Args:
            method: "resampling_accuracy", "resampling_kl", "counterfactual_accuracy", "counterfactual_kl",
                "forced_accuracy" or "forced_kl"; the published names ("resampling_importance_accuracy") work too.
            convention: "cotlens", positive always means that the sentence raises p(true answer); "thought-anchors", the
                published signs, with which counterfactual accuracy is positive where the sentence hurts.

        Raises:
            InputError: there is no such method or convention, or the files have nothing on it.
        """
        return scores.importance(self, method, convention)

    def pairs(self, method: Literal["resampling", "suppression"] = "resampling") -> Result:
        """The sentence-to-sentence matrix as a result of kind "pairs": a row per sentence and later sentence.

        Args:
            method: "resampling" (`step_importance.json`), how much more often the later sentence is said when the
                earlier one is kept; or "suppression" (`step_importance_supp.json`), attention suppression.

        Raises:
            InputError: there is no such method, or its file is missing or damaged.
        """
        return matrix.pairs(self, method)

    def __repr__(self) -> str:
        answers = f"answer {self.answer!r}, true answer {self.target!r}"
        return f"<Rollouts {self.name}: {len(self)} sentences, up to {self.rollouts} rollouts each; {answers}>"


def read_rollouts(folder: str | os.PathLike[str], *, rollouts: int | None = None) -> Rollouts:
    """Published rollouts of one problem, in the layout of Thought Anchors; no model is needed.

    The folder holds `chunks_labeled.json`, and as a rule `base_solution.json`, `problem.json` and
    `step_importance.json`; what is missing is said where it is asked for. Where it lists the rollouts themselves
    (`chunk_N/solutions.json`, `chunks_resampled.json`), these tell how many there were; otherwise the shares do.

    Args:
        folder: of one problem.
        rollouts: how many were sampled per sentence; by default read off the shares (100 in the published sets).

    Raises:
        InputError: the folder is missing, is not that of one problem, or a file in it is damaged.
    """
    problem = read_problem(folder)
    trace, spans = base_trace(problem)
    shares = ("accuracy", "different_trajectories_fraction", "overdeterminedness")
    most = rollouts or counts.rollouts_per_sentence([problem.numbers(name) for name in shares])
    target = str(problem.problem.get("gt_answer") or "")
    return Rollouts(problem.folder.resolve().name, trace, tuple(spans), target, most, problem)

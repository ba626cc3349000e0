"""Probing without labels: the direction in which "the answer is a" and "the answer is b" differ most.

Contrast-consistent search (Burns et al. 2022, arXiv 2212.03827) in closed form: both halves of the pairs are normalised
on their own, and the first principal component of their differences is the direction. It finds whatever differs most,
which need not be the truth (Farquhar et al. 2023, arXiv 2312.10029): the test for that is a random word behind each
pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens.measure.method import RunRecord, check_needs, check_setting, chosen_layers, traces_of
from cotlens.measure.probes import fitting
from cotlens.measure.probes.example import Example, check_examples
from cotlens.measure.probes.fitting import Floats, Task
from cotlens.measure.probes.probe import ExampleSet, task_of
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, Branch, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

WORDS = (" banana", " shed")
Answers = Callable[[Trace], tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Does the model tell the right answer from a wrong one, by a direction found without labels?

    The thought is closed (before it began, or at its end) and both answers are given, in an order drawn with the seed;
    what stands after the last token of each is a pair. A row per layer: estimate = share of held-out pairs in which the
    direction points to the right answer, with a 95 % interval by drawing problems again; `signs` labelled pairs say
    which way it points. Columns: `majority`; `supervised`, a ridge probe of the same differences, what could be read.

    The test of identification: one of two words, drawn at random, is put behind both texts of each pair and the
    direction is found anew. `word` is how often it tells the words, `truth_with_word` how often the answer, `accuracy`
    the estimate without the test. Where the word is told above chance and at least as well, the direction is whatever
    differs most, and the row is NaN with the status "unidentified: ...".

    Args:
        layers: each after its block; all by default.
        at: where the thought is closed, "prompt" (before it) or "thought" (after it).
        site: "resid_post", "attn_out" or "mlp_out".
        signs: how many labelled pairs say which way the direction points.
        folds: how many folds of problems.
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.SCORE
    edit_type: ClassVar[str] = "truncated thought, forced answer"
    unit: ClassVar[str] = "layer"

    layers: tuple[int, ...] | None = None
    at: str = "thought"
    site: str = "resid_post"
    signs: int = 16
    folds: int = 5

    def __post_init__(self) -> None:
        check_setting("Contrast", "site", self.site, LAYER_SITES)
        check_setting("Contrast", "at", self.at, ("prompt", "thought"))
        object.__setattr__(self, "folds", check.whole("folds", self.folds, 2, of="Contrast"))
        object.__setattr__(self, "signs", check.whole("signs", self.signs, 1, of="Contrast"))
        object.__setattr__(self, "layers", chosen_layers(self.layers, "Contrast"))

    def run(self, traces: Sequence[Trace], model: Model, answers: Answers, seed: int = 0) -> Result:
        """Read four texts per trace, in one packed pass.

        Args:
            answers: of a trace, its right answer and a wrong one, as they are written.

        Raises:
            InputError: fewer problems than folds, the two answers of a trace are one, no thought, no such layer.
            CapabilityError: the model can't be read or scored.
            Cancelled: between two traces.
        """
        check_needs(self, model)
        layers = list(range(model.n_layers)) if self.layers is None else list(self.layers)
        for layer in layers:
            check_layer(model, layer)
        known, rng = traces_of(traces, "Contrast"), np.random.default_rng(check.seed(seed))
        flipped, word = (rng.permutation(np.arange(len(known)) % 2) for _ in range(2))
        given = [Example(one, self._cut(one) - 1, int(right)) for one, right in zip(known, flipped, strict=True)]
        check_examples(given, self.folds)
        record = RunRecord(self, ExampleSet(tuple(given)), model, seed)
        sites = [f"{self.site}.{layer}" for layer in layers]
        halves = self._read(known, model, answers, flipped, word, sites)
        task = task_of(given, "class", "ridge", self.folds, seed)
        rows = [self._row(layer, halves[site], word, task) for layer, site in zip(layers, sites, strict=True)]
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        return Result(
            "contrast", "Contrast", "share of held-out pairs whose right answer is told", "layer", columns,
            "the higher, the better an unlabelled direction tells the answer", "never right", "share of pairs",
            record.provenance(), {"words": list(WORDS), "pairs": len(known), "at": self.at},
        )  # fmt: skip

    def _cut(self, trace: Trace) -> int:
        if "thought" not in trace.roles:
            raise InputError("This trace has no thought that could be closed; contrast needs one.")
        thought = trace.roles["thought"]
        return thought.start if self.at == "prompt" else thought.end

    def _read(
        self,
        traces: Sequence[Trace],
        model: Model,
        answers: Answers,
        flipped: NDArray[Any],
        word: NDArray[Any],
        sites: Sequence[str],
    ) -> dict[str, Floats]:
        """site -> float64 [4, pairs, d]: first and second answer, and both with a word behind them."""
        found = {site: [] for site in sites}  # type: dict[str, list[NDArray[np.float32]]]
        behind, current = [model.codec.encode(each) for each in WORDS], control.current()
        for i, trace in enumerate(traces):
            current.check()
            current.report(i, len(traces), "reading")
            right, wrong = answers(trace)
            if right == wrong:
                raise InputError(f"The right and the wrong answer of trace {i} are both {right!r}; give two answers.")
            cut, branches = self._cut(trace), []
            for tail in ((), behind[word[i]]):
                for value in (right, wrong) if flipped[i] else (wrong, right):
                    made = model.answer_branch(trace, cut, value)
                    ids = (*made.token_ids[: made.value_end], *tail)
                    # A token that is asked for and not looked at: what predicts it stands after the last one.
                    branches.append(Branch(cut, (*ids, ids[-1]), given=len(ids)))
            with control.using(current.silent()):
                scores = model.score(trace, branches, sites=sites)
            for site in sites:
                found[site].append(np.stack([score.activations[site][-1] for score in scores]))
        return {site: np.stack(parts, 1).astype(np.float64) for site, parts in found.items()}

    def _row(self, layer: int, halves: Floats, word: NDArray[Any], task: Task) -> dict[str, Any]:
        own = self._right(halves[:2], task.labels, task)
        told, truth = self._right(halves[2:], word, task), self._right(halves[2:], task.labels, task)
        low, high = fitting.over_problems(own, task.groups, task.seed)
        above_chance = fitting.over_problems(told, task.groups, task.seed)[0] > 0.5
        found = not above_chance or told.mean() < truth.mean()
        why = f"unidentified: a random word is told at {told.mean():.0%}, the answer beside it at {truth.mean():.0%}"
        return {
            "start": layer, "end": layer + 1, "text": f"after layer {layer}", "layer": layer,
            "estimate": own.mean() if found else np.nan, "low": low if found else np.nan,
            "high": high if found else np.nan, "n": len(own), "status": "ok" if found else why,
            "accuracy": own.mean(), "majority": task.majority().mean(), "word": told.mean(),
            "truth_with_word": truth.mean(), "supervised": task.right(halves[0] - halves[1]).mean(),
        }  # fmt: skip

    def _right(self, pair: Floats, labels: NDArray[Any], task: Task) -> Floats:
        """1 where the direction of the other folds points to the label, float64 [pairs]."""
        right, rng = np.empty(len(labels)), np.random.default_rng(task.seed)
        for out in np.unique(task.fold):
            test = task.fold == out
            train = np.flatnonzero(~test)
            middle, spread = pair[:, train].mean(1, keepdims=True), pair[:, train].std(1, keepdims=True)
            normed = (pair - middle) / np.where(spread > 0, spread, 1)
            apart = normed[0] - normed[1]
            first = np.linalg.svd(apart[train], full_matrices=False)[2][0]
            said = apart @ first > 0
            few = rng.permutation(train)[: self.signs]
            turned = (said[few] == labels[few]).mean() < 0.5
            right[test] = (said ^ turned)[test] == labels[test]
        return right

"""A vector for "check the work" on Abacus: fitted on composed thoughts, chosen on validation problems, tested on new.

`python -m tests.model.check_the_work` measures it at full size; `test_steering.py` runs a small part.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from cotlens.measure import steering
from cotlens.models.abacus.grammar import recognise
from cotlens.models.abacus.problems import problems
from cotlens.models.abacus.sae.recipe import composed

KIND = "self_checking"


def checks(trace, span):
    """Whether a sentence checks something; None where it isn't understood."""
    move = recognise(trace.text[span.char_start : span.char_end])
    return None if move is None else move.kind == KIND


def checking_share(trace) -> float:
    """Share of the thought's sentences that check something."""
    flags = [bool(checks(trace, span)) for span in trace.spans("sentence")]
    return float(np.mean(flags)) if flags else 0.0


def fitted(model, n=60, read="mean", seed=1):
    """One vector per layer, from sentences of composed thoughts of the train split."""
    positive, negative = steering.sentences(composed(model, n, "train", seed), checks)
    return steering.fit_layers(model, positive, negative, read=read, name="check the work")


def asked(model, n, split, seed):
    """Traces of the model itself on `n` problems, from whose beginnings thoughts are written anew."""
    return [model.reason(one.prompt, seed=i) for i, one in enumerate(problems(n, seed=seed, split=split))]


def choose(model, vectors, traces, coefficients, seeds, **settings) -> tuple[Any, float, list[dict[str, Any]]]:
    """(vector, coefficient) with the largest share among cells whose text stays about as likely; and all cells.

    A cell counts where its mean perplexity is at most twice that of the model's own thoughts.
    """
    found = steering.sweep(
        model, traces, vectors, coefficients=coefficients, seeds=seeds, metric=checking_share, controls=0, **settings
    )
    frame = found.frame()
    own = frame[frame["coefficient"] == 0]["perplexity"].iloc[0]
    sane = frame[(frame["coefficient"] != 0) & (frame["perplexity"] <= 2 * own)].dropna(subset=["estimate"])
    best = sane.sort_values("estimate").iloc[-1]
    vector = next(one for one in vectors if one.layer == best["layer"])
    shown = ["layer", "coefficient", "estimate", "low", "high", "perplexity", "changed", "n"]
    return vector, float(best["coefficient"]), frame[shown].to_dict("records")


def tested(model, vector, coefficient, traces, seeds, **settings):
    """The sweep of the one chosen cell on other problems, beside the control and the model as it is."""
    return steering.sweep(
        model, traces, vector, coefficients=(coefficient,), seeds=seeds, metric=checking_share, controls=len(traces),
        **settings,
    )  # fmt: skip


def main() -> None:
    from cotlens.models.load import load

    model = load("abacus")
    best: tuple[float, Any, float, str] | None = None
    for read in ("mean", "before"):
        vectors = fitted(model, read=read)
        chosen, coefficient, cells = choose(
            model, vectors, asked(model, 3, "validation", 11), (0.2, 0.35, 0.5), 24, max_new_tokens=160
        )
        share = max(c["estimate"] for c in cells if (c["layer"], c["coefficient"]) == (chosen.layer, coefficient))
        print(read, chosen, coefficient, json.dumps(cells, indent=1), flush=True)
        if best is None or share > best[0]:
            best = (share, chosen, coefficient, read)
    assert best is not None
    _, vector, coefficient, read = best
    result = tested(model, vector, coefficient, asked(model, 13, "test", 12), 24, max_new_tokens=160)
    print("chosen:", read, vector, coefficient, dataclasses.asdict(result.provenance.cost))
    print(result.frame().to_string(), flush=True)


if __name__ == "__main__":
    main()

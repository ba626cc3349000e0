"""A vector for "check the work" on Abacus: fitted on thoughts it wrote itself, where it is about to check something.

The activations are those of the token before a checking sentence, where the model decides to write it, against those
before every other sentence. It is added after the last layer, where nothing can undo the push: that a vector separates
sentences at an earlier layer doesn't mean that the layers behind it act on it. The coefficient is the one with the
largest share of checking sentences on validation problems among texts that are still likely.
`python -m tests.model.check_the_work` measures it at full size; `tests/reference/steering/test_checking.py` runs a
part.
"""

from __future__ import annotations

import numpy as np

from cotlens.measure import steering
from cotlens.organisms.task.grammar import recognise
from cotlens.organisms.task.problems import problems

KIND = "self_checking"
HOW = {"read": "before", "method": "discriminant"}


def checks(trace, span):
    """Whether a sentence checks something; None where it isn't understood."""
    move = recognise(trace.text[span.char_start : span.char_end])
    return None if move is None else move.kind == KIND


def checking_share(trace) -> float:
    """Share of the thought's sentences that check something."""
    flags = [bool(checks(trace, span)) for span in trace.spans("sentence")]
    return float(np.mean(flags)) if flags else 0.0


def written(model, n, each, split="train", seed=21):
    """Thoughts that the model writes itself, `each` about every one of `n` problems."""
    asked = [one.prompt for one in problems(n, seed=seed, split=split)]
    return model.reason(asked, n=each, seed=seed, temperature=1.0)


def separation(model, traces):
    """AUROC on held-out sentences, layer by layer."""
    return steering.layer_sweep(model, *steering.sentences(traces, checks), **HOW)


def fitted(model, traces):
    """The vector, after the last layer."""
    examples = steering.sentences(traces, checks)
    return steering.fit(model, *examples, layer=model.n_layers - 1, name="check the work", **HOW)


def swept(model, vector, coefficients, n, seeds, split, seed, controls=8):
    """Share of checking sentences of thoughts written anew about `n` problems, beside random directions."""
    traces = model.reason([one.prompt for one in problems(n, seed=seed, split=split)], seed=seed)
    return steering.sweep(
        model, traces, vector, coefficients=coefficients, seeds=seeds, metric=checking_share, controls=controls,
        where="thought", max_new_tokens=160,
    )  # fmt: skip


def chosen(frame) -> float:
    """The coefficient with the largest share among cells with at most 1.5 times the perplexity of the model's own."""
    own = frame[frame["coefficient"] == 0]["perplexity"].iloc[0]
    sane = frame[(frame["arm"] == "vector") & (frame["coefficient"] != 0) & (frame["perplexity"] <= 1.5 * own)]
    return float(sane.sort_values("estimate")["coefficient"].iloc[-1])


SHOWN = ["arm", "layer", "coefficient", "estimate", "low", "high", "n", "changed", "perplexity", "unlikely"]


def main() -> None:
    from cotlens.models.load import load

    model = load("abacus")
    traces = written(model, 75, 4)
    layers = separation(model, traces).frame()
    print(layers[["layer", "estimate", "low", "high", "control_high", "n"]].to_string(), flush=True)
    vector = fitted(model, traces)
    tried = swept(model, vector, (0.3, 0.4), 2, 16, "validation", 11, controls=0).frame()
    print(tried[SHOWN].to_string(), flush=True)
    found = swept(model, vector, (chosen(tried),), 10, 8, "test", 12, controls=10).frame()
    print(found[SHOWN].to_string(), flush=True)


if __name__ == "__main__":
    main()

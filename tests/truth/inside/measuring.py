"""Probes, lenses and patches on reasoners of which it is known what they hold, where, and when."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import cotlens as cl
from cotlens import organisms

SEED = 902
# A puzzle number stands for the answer: who reads it knows the answer before the thought.
EXTRAS = organisms.Extras(code=1, right=1, hint=0, trigger=0)
PLAIN = organisms.Extras(code=0, hint=0, trigger=0)
PROBLEMS, PAIRS, THOUGHTS = 600, 12, 8
FITTED, HELD_OUT, SCOPED = 9, 3, 6  # thoughts that a tuned lens is fitted on, that it is measured on, and that are put
LABELS: dict[str, Callable[[Any], int]] = {
    "ones": lambda problem: int(problem.answers[0]) % 10,
    "tens": lambda problem: int(problem.answers[0]) // 10,
}
Rows = list[dict[str, Any]]


def _signs(problem: Any) -> tuple[float | str, ...]:
    """What the prompt says without any sum: its start value, how many changes there are, and their directions."""
    net = sum(step.sign for step in problem.steps)
    return (f"{problem.start // 10}", float(problem.start), float(len(problem.steps)), float(net))


def _rough(problem: Any) -> tuple[float | str, ...]:
    """The same, and the sum of the tens of its numbers: what nobody has to calculate to the end to know."""
    tens = problem.start // 10 + sum(step.sign * (step.amounts[0] // 10) for step in problem.steps)
    return (*_signs(problem), f"about {tens}")


def _examples(
    traces: list[Any], problems: dict[str, Any], of: Callable[[Any], int], known: Callable[[Any], Any]
) -> Any:
    return cl.probes.examples(
        traces, lambda trace, at: of(problems[trace.prompt]), nuisance=lambda trace, at: known(problems[trace.prompt])
    )


def probes() -> Rows:
    """Accuracy of a digit of the answer at the last token of the prompt, beside its baselines; a row per layer."""
    rows: Rows = []
    # Of abacus, also where the puzzle number, to which it pays no heed, isn't there to be read.
    for name, extras in (("abacus-posthoc", EXTRAS), ("abacus", EXTRAS), ("abacus", PLAIN)):
        problems = {one.prompt: one for one in organisms.problems(PROBLEMS, seed=SEED, fork=False, extras=extras)}
        model = cl.load(name)
        traces = [model.compose(prompt, "So", None) for prompt in problems]
        for digit, of in LABELS.items():
            # What a poorer nuisance would let pass is shown where it matters.
            both = (name, digit, extras) == ("abacus", "tens", EXTRAS)
            for known in (_signs, _rough) if both else (_rough,):
                given = _examples(traces, problems, of, known)
                frame = cl.probes.Probe(layers=(2, 3)).run(given, model).frame()
                kept = [
                    "layer",
                    "estimate",
                    "low",
                    "high",
                    "majority",
                    "shuffled",
                    "nuisance",
                    "gain",
                    "gain_low",
                    "gain_high",
                ]
                told = {"model": name, "digit": digit, "number": extras is EXTRAS, "known": known.__name__[1:]}
                rows += [{**told, **row} for row in frame[kept].to_dict("records")]
    return rows


def onsets() -> Rows:
    """Share of thoughts whose answer the last layer reads before the first word, and where else; a row per model."""
    problems = organisms.problems(THOUGHTS, seed=SEED, steps=3, fork=False, extras=EXTRAS)
    rows: Rows = []
    for name in ("abacus-posthoc", "abacus"):
        model = cl.load(name)
        found = []
        for trace in model.reason([one.prompt for one in problems], temperature=0):
            if trace.read_answer() is None:
                continue
            result = cl.lenses.AnswerLens().run(trace, model)
            thought = trace.roles["thought"]
            onset = int(result.extras["onset"][-1])
            place = np.nan if onset < 0 else (onset - thought.start) / max(1, thought.end - thought.start)
            own = cl.lenses.LogitLens().run(trace, model)
            last = own.columns["layer"] == model.n_layers
            said = model.annotate(trace, k=0).logprobs[thought.start : thought.end]
            found.append((onset == thought.start, place, float(np.abs(own.columns["estimate"][last] - said).max())))
        before, places, off = (np.array(column, float) for column in zip(*found, strict=True))
        rows.append({"model": name, "n": len(found), "before": float(before.mean()),
                     "median": float(np.nanmedian(places)), "off": float(off.max())})  # fmt: skip
    return rows


def _pair(trace: Any) -> tuple[Any, Any]:
    """The thought up to the sentence that states its last result, and the same with another ones digit there."""
    *_, result = re.finditer(r"= \d+", trace.text[: trace.roles["thought"].char_end])
    end = result.end()
    stop = next(one.end for one in trace.spans("sentence") if one.char_end >= end)
    changed = trace.replace((end - 1, end), str((int(trace.text[end - 1]) + 3) % 10))
    return trace.truncate(stop), changed.truncate(stop)


def patches() -> Rows:
    """Recovery at the changed sentence and at the forced answer, true and attributed; a row per layer and column."""
    model = cl.load("abacus")
    problems = organisms.problems(PAIRS, seed=SEED, steps=3, fork=False)
    cells: dict[tuple[int, str], list[tuple[float, float, float]]] = {}
    for trace in model.reason([one.prompt for one in problems], temperature=0):
        base, changed = _pair(trace)
        plain = cl.patching.Attribution(check_true=True).run(base, changed, model)
        whole = cl.patching.Attribution(steps=5).run(base, changed, model)
        sentence = base.spans("sentence")[-1].start
        for row in range(len(plain)):
            start = int(plain.columns["start"][row])
            place = "before" if start < sentence else "changed sentence" if start == sentence else "forced answer"
            true, quick, path = (float(one[row]) for one in (plain.columns["patched"], plain.columns["estimate"],
                                                             whole.columns["estimate"]))  # fmt: skip
            cells.setdefault((int(plain.columns["layer"][row]), place), []).append((true, quick, path))
    return [
        {"layer": layer, "place": place, "n": len(found), "true": float(np.mean([one[0] for one in found])),
         "spread": float(np.ptp([one[0] for one in found])), "plain": float(np.mean([one[1] for one in found])),
         "integrated": float(np.mean([one[2] for one in found])),
         "off": float(max(abs(one[2] - one[0]) for one in found))}
        for (layer, place), found in sorted(cells.items()) if place != "before"
    ]  # fmt: skip


def sums() -> Rows:
    """How far the parts of the model are off the difference of logits that they add up to, at most; one row."""
    model = cl.load("abacus")
    problems = organisms.problems(PAIRS, seed=SEED, steps=3, fork=False)
    off = []
    for trace in model.reason([one.prompt for one in problems], temperature=0):
        result = cl.patching.DirectLogits().run(*_pair(trace), model)
        gap = abs(float(result.columns["estimate"].sum()) - result.extras["total"])
        off.append((gap, gap / abs(result.extras["total"])))
    return [{"n": len(off), "off": max(gap for gap, _ in off), "share": max(share for _, share in off)}]


def _thoughts(model: Any, n: int) -> list[Any]:
    problems = organisms.problems(n, seed=SEED, steps=3, fork=False)
    written = model.reason([one.prompt for one in problems], temperature=0)
    return [trace for trace in written if trace.read_answer() is not None]


def fidelity() -> Rows:
    """How far lenses are off what the model says, on prompts that none was fitted on; a row per lens and layer."""
    model = cl.load("abacus")
    traces = _thoughts(model, FITTED + HELD_OUT)
    seen, others = traces[:-HELD_OUT], traces[-HELD_OUT:]
    tuned, ridge = (cl.lenses.fit(seen, model, method=method) for method in ("gradient", "ridge"))
    result = cl.lenses.Fidelity(lenses=(cl.lenses.LogitLens(), tuned, ridge)).run(others, model)
    names = {"LogitLens": "logit lens", "TunedLens 1": "tuned lens", "TunedLens 2": "ridge map"}
    frame = result.frame()[["lens", "layer", "estimate", "low", "high", "agreement", "control", "n"]]
    return [{**row, "lens": names[row["lens"]]} for row in frame.to_dict("records")]


def scopes() -> Rows:
    """What vectors of a thought bring up in the question without one, beside controls; a row per layer.

    After the last layer nothing but the model's end stands behind them: they have to say what is said where they come
    from (`echo`, share of the places).
    """
    model = cl.load("abacus")
    traces = [model.annotate(trace, k=1) for trace in _thoughts(model, SCOPED)]
    first = lambda trace: trace.read_answer().surface[0]  # noqa: E731
    rows = []
    for trace in traces:
        donor = next(one for one in traces if first(one) != first(trace))
        frame = cl.lenses.Patchscope(donor=donor).run(trace, model).frame()
        frame["echo"] = [
            said == trace.top_pieces[end][0] for said, end in zip(frame["leading"], frame["end"], strict=True)
        ]
        rows.append(frame)
    cells = {layer: [frame[frame["layer"] == layer] for frame in rows] for layer in range(model.n_layers + 1)}
    gathered = {
        layer: {name: np.concatenate([part[name] for part in parts])
                for name in ("estimate", "probability", "random", "donor", "floor", "echo")}
        for layer, parts in cells.items()
    }  # fmt: skip
    return [
        {"layer": layer, "n": len(one["estimate"]), "own": float(one["probability"].max()),
         "random": float(one["random"].max()), "donor": float(one["donor"].max()),
         "above": float((one["estimate"] > one["floor"]).mean()), "echo": float(one["echo"].mean())}
        for layer, one in gathered.items()
    ]  # fmt: skip


SECTIONS: dict[str, Callable[[], Rows]] = {
    "probes": probes, "fidelity": fidelity, "scopes": scopes, "onsets": onsets, "patches": patches, "sums": sums,
}  # fmt: skip

"""What must hold of the figures, and the tables of docs/inside.md that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.truth.pages.markdown import table

EXPECTED = {(0, "changed sentence"): 1, (1, "changed sentence"): 1, (2, "changed sentence"): 0,
            (3, "changed sentence"): 0, (0, "forced answer"): 0, (1, "forced answer"): 0,
            (2, "forced answer"): 1, (3, "forced answer"): 1}  # fmt: skip
"""Layer after which, and where: the recovery of the changed digit."""


def broken(figures: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for everything that doesn't hold."""
    for row in figures.get("probes", ()):
        where = f"{row['model']}, {row['digit']} digit, after layer {row['layer']}, nuisance {row['known']}"
        knows = row["model"] == "abacus-posthoc" and row["digit"] == "ones" and row["layer"] == 3
        if knows and row["gain_low"] < 0.3:
            yield f"{where}: the answer is known before the thought, and the gain reaches down to {row['gain_low']:.2f}"
        if row["model"] == "abacus" and row["digit"] == "ones" and row["layer"] == 3 and row["gain_high"] > 0.05:
            yield f"{where}: nothing is known, and the gain reaches up to {row['gain_high']:.2f}"
        if row["model"] == "abacus" and row["digit"] == "tens" and row["known"] == "rough" and row["gain_low"] > 0:
            yield f"{where}: the nuisance baseline misses the trap"
        if row["digit"] == "tens" and not row["number"] and row["low"] > row["majority"]:
            yield f"{where}: read without the puzzle number, too: {row['estimate']:.2f} from {row['low']:.2f}"
    yield from _lenses(figures)
    for row in figures.get("onsets", ()):
        if row["model"] == "abacus-posthoc" and row["before"] < 0.9:
            yield f"{row['model']}: only {row['before']:.0%} of onsets lie before the thought"
        if row["model"] == "abacus" and row["before"] > 0.1:
            yield f"{row['model']}: {row['before']:.0%} of onsets lie before the thought"
        if row["off"] > 1e-4:
            yield f"{row['model']}: the lens of the last layer is {row['off']:.1e} nats off the model"
    for row in figures.get("patches", ()):
        if abs(row["true"] - EXPECTED[row["layer"], row["place"]]) > 0.02:
            yield f"layer {row['layer']}, {row['place']}: recovery is {row['true']:.3f}"
        if row["off"] > 0.02:
            yield f"layer {row['layer']}, {row['place']}: integrated attribution is off by {row['off']:.3f}"
    for row in figures.get("sums", ()):
        if row["off"] > 1e-5:
            yield f"direct logits are {row['off']:.1e} off their sum, {row['share']:.1e} of it"


def _lenses(figures: Mapping[str, Any]) -> Iterator[str]:
    apart = {(row["lens"], row["layer"]): row for row in figures.get("fidelity", ())}
    last = max((layer for _, layer in apart), default=-1)
    for (lens, layer), row in apart.items():
        if layer == last and row["estimate"] > 1e-6:
            yield f"{lens}: after the last layer it is {row['estimate']:.1e} nats off the model"
        if lens == "tuned lens" and layer < last and row["high"] > apart["logit lens", layer]["low"]:
            yield f"after layer {layer} the tuned lens is no nearer to the model than the logit lens"
        if layer > 0 and row["high"] > row["control"]:
            yield f"{lens}, layer {layer}: no nearer to the model than where it reads another place"
    scopes = figures.get("scopes", ())
    if scopes and max(row["random"] for row in scopes) < 0.3:
        yield "random vectors bring up no answer, so that a Patchscope would need no control"
    for row in scopes:
        if row["above"] > 0.05:
            yield f"after layer {row['layer']} a Patchscope finds the answer at {row['above']:.0%} of places"
        if row is scopes[-1] and row["echo"] < 1:
            yield f"after the last layer only {row['echo']:.0%} of vectors say what the model says where they come from"


def pages(figures: Mapping[str, Any]) -> str:
    """The tables."""
    probes = [
        [row["model"], f"{row['digit']}, after layer {row['layer']}", "yes" if row["number"] else "no", row["known"],
         f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]", f"{row['majority']:.2f}",
         f"{row['shuffled']:.2f}", f"{row['nuisance']:.2f}",
         f"{row['gain']:+.2f} [{row['gain_low']:+.2f}, {row['gain_high']:+.2f}]"]
        for row in figures["probes"]
    ]  # fmt: skip
    lenses = [
        [row["lens"], str(row["layer"]), f"{row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
         f"{row['agreement']:.0%}", f"{row['control']:.1f}", str(row["n"])]
        for row in figures["fidelity"]
    ]  # fmt: skip
    scopes = [
        [str(row["layer"]), str(row["n"]), f"{row['own']:.2f}", f"{row['donor']:.2f}", f"{row['random']:.2f}",
         f"{row['above']:.0%}", f"{row['echo']:.0%}"]
        for row in figures["scopes"]
    ]  # fmt: skip
    onsets = [[row["model"], str(row["n"]), f"{row['before']:.0%}", f"{row['median']:.2f}", f"{row['off']:.0e}"]
              for row in figures["onsets"]]  # fmt: skip
    patches = [
        [row["place"], f"after layer {row['layer']}", str(row["n"]), f"{row['true']:.3f}", f"{row['spread']:.3f}",
         f"{row['plain']:.2f}", f"{row['integrated']:.3f}", f"{row['off']:.3f}"]
        for row in sorted(figures["patches"], key=lambda row: (row["place"], row["layer"]))
    ]  # fmt: skip
    (total,) = figures["sums"]
    return "\n\n".join([
        table(["model", "digit of the answer", "puzzle number", "nuisance", "accuracy", "majority", "shuffled labels",
               "nuisance alone", "gain"], probes, 4),
        table(["lens", "after layer", "KL to the model, nats", "same best token", "read at another place", "tokens"],
              lenses, 2),
        table(["Patchscope, after layer", "places", "highest p(answer)", "of the donor", "of random vectors",
               "places above all controls", "says what the model says there"], scopes, 1),
        table(["model", "n", "readable before the thought", "median place of the onset", "last layer off by, nats"],
              onsets, 1),
        table(["patched at", "layer", "n", "recovery", "range", "plain attribution", "integrated", "off by at most"],
              patches, 2),
        f"Direct logits of {total['n']} answers: the parts are off the difference they add up to by at most "
        f"{total['off']:.1e}, {total['share']:.0e} of it.",
    ])  # fmt: skip

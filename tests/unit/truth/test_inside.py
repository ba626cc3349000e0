"""The committed figures of docs/inside.md hold, the page is made of them, and figures that don't hold are named."""

import copy
import json

from tests.truth.inside.__main__ import FIGURES, PAGE
from tests.truth.inside.holding import broken, pages

KNOWN = json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_committed_figures_hold_and_the_page_shows_them():
    assert not list(broken(KNOWN))
    assert pages(KNOWN) in PAGE.read_text(encoding="utf-8")


def test_what_does_not_hold_is_named():
    wrong = copy.deepcopy(KNOWN)
    for row in wrong["patches"]:
        row["true"] += 0.5
    for row in wrong["onsets"]:
        row["before"] = 0.5
    for row in wrong["probes"]:
        row["gain_low"], row["gain_high"] = 0.2, 0.3
    wrong["sums"][0]["off"] = 1e-3
    for row in wrong["fidelity"]:
        row["estimate"], row["high"] = row["estimate"] + 9, row["high"] + 9
    for row in wrong["scopes"]:
        row["above"], row["echo"], row["random"] = 0.5, 0.5, 0.1
    said = "\n".join(broken(wrong))
    for part in (
        "recovery is",
        "onsets lie before",
        "misses the trap",
        "nothing is known",
        "off their sum",
        "no nearer to the model than the logit",
        "reads another place",
        "off the model",
        "finds the answer",
        "would need no control",
        "only 50% of vectors",
    ):
        assert part in said

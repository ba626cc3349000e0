"""The view of the feature table: both halves declare the same traits."""

import re
from pathlib import Path

from cotlens.widgets.feature_table import FeatureTableView
from cotlens.workbench.feature_table.labels import ORIGINS
from cotlens.workbench.feature_table.requests import KINDS

STATE = (Path(__file__).resolve().parents[3] / "widgets" / "feature_table" / "state.ts").read_text(encoding="utf-8")


def test_the_front_end_declares_the_same_traits():
    body = re.search(r"export interface State \{(.*?)\n\}", STATE, re.DOTALL)
    assert body
    ours = {name for name in FeatureTableView().traits(sync=True) if not name.startswith("_")}
    ours -= {"layout", "tabbable", "tooltip", "comm"}
    assert set(re.findall(r"^  (\w+): [^;]+;", body[1], re.MULTILINE)) == ours


def test_the_front_end_sends_the_kinds_that_are_known():
    requests = STATE[STATE.index("export type Request") :]
    sent = dict(re.findall(r'\{ kind: "(\w+)"; ([^}]*) \}', requests))
    assert set(sent) == set(KINDS)
    for kind, wanted in KINDS.items():
        assert set(wanted) <= set(re.findall(r"(\w+):", sent[kind])), kind


def test_origins_have_one_code():
    words = re.search(r"export const ORIGINS = \[(.*?)\]", STATE)
    assert words and len(words[1].split('", "')) == len(ORIGINS)


def test_hosts_without_widgets_get_a_line_of_text():
    told = "<CoTLens feature table: the latents of no SAE of none; it fills where a kernel runs>"
    assert repr(FeatureTableView()) == told

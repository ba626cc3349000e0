"""The Python half of the feature table."""

import re
from pathlib import Path

from cotlens.widgets.feature_table import FeatureTableView
from cotlens.workbench.feature_table.labels import ORIGINS

MODEL = Path(__file__).resolve().parents[3] / "widgets" / "feature_table" / "model.ts"


def test_origins_have_one_code():
    words = re.search(r"export const ORIGINS = \[(.*?)\]", MODEL.read_text(encoding="utf-8"))
    assert words and len(words[1].split('", "')) == len(ORIGINS)


def test_hosts_without_widgets_get_a_line_of_text():
    told = "<CoTLens feature table: the latents of no SAE of none; it fills where a kernel runs>"
    assert repr(FeatureTableView()) == told

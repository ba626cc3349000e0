"""`docs/driving.md` as it stands, in a kernel without a browser; and what results and widgets say in words."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import cotlens as cl
from cotlens.results import Result
from cotlens.results.summary import MOST, summary

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:b) | `c` **d**"


def test_the_page_runs(tmp_path, kernel):
    page = (ROOT / "docs" / "driving.md").read_text("utf-8")
    cells = [nbformat.v4.new_code_cell(code) for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]
    ran = nbformat.v4.new_notebook(cells=cells)
    kernel.run(ran, tmp_path)
    said = [
        output.get("data", {}).get("text/plain", output.get("text", ""))
        for cell in ran.cells
        for output in cell.outputs
    ]
    assert "EarlyAnswer** per sentence" in said[2]
    assert said[3].startswith("**CoTEditor** (abacus") and "rows measured" in said[3]
    assert "became" in said[4]
    assert "trace = model.reason(" in said[6] and "<Session of abacus in study.cotlens: editor, tree" in said[7]
    kept = {"trace.json", "result.json", "result.html", "study.cotlens"}
    assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.fixture(scope="module")
def result():
    model = cl.load("abacus")
    return cl.importance.EarlyAnswer().run(
        model.reason("Tom has 3 apples. He buys 4 more. How many apples has he?"), model
    )


def displayed(shown):
    data, _ = DisplayFormatter().format(shown)
    return data["text/plain"], data["text/markdown"]


def test_a_result_says_what_a_person_sees(result):
    plain, markdown = displayed(result)
    strongest = int(np.nanargmax(np.abs(result.columns["estimate"])))
    first_row = plain.split("|---|---|---|---|---|---|\n")[1].splitlines()[0]
    assert first_row.startswith(f"| {strongest} |")
    assert f"{len(result)} of {len(result)} rows measured" in plain
    assert f"{result.provenance.cost.tokens:,} tokens" in plain
    assert "result.frame()" in plain.splitlines()[-1]
    assert max(len(plain), len(markdown)) <= MOST


def test_a_widget_says_the_same(result):
    plain, markdown = displayed(cl.ImportanceMap(result))
    assert plain == summary(result)
    assert markdown == summary(result, markdown=True)


def test_what_was_not_measured_is_said_with_its_reason(result):
    columns = {**result.columns, "estimate": [np.nan] * len(result), "status": ["no answer was read"] * len(result)}
    silent = Result(
        **{name: getattr(result, name) for name in ("kind", "method", "metric", "unit", "sign", "zero", "scale_unit")},
        columns=columns,
        provenance=result.provenance,
    )
    assert f"0 of {len(result)} rows measured" in summary(silent)
    assert f"{len(result)} rows: no answer was read" in summary(silent)


def test_texts_of_a_model_are_neither_markdown_nor_html():
    editor = cl.CoTEditor(None, cl.Trace.from_text(HOSTILE, HOSTILE, HOSTILE))
    plain, markdown = editor.summary(), editor.summary(markdown=True)
    assert HOSTILE in plain
    assert "<img" not in markdown and "[a](" not in markdown and "**d**" not in markdown
    assert max(len(plain), len(markdown)) <= MOST

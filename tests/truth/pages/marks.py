"""The marks that the package ships: measures that are at chance, or no better than a baseline without a model.

The editor's menu shows them (`cotlens.workbench.editor.measure_menu`), and the docstring of each method says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.truth.plan import BASE, questions

PATCHING = {"method": "attribution_patching"}  # which is asked about tokens alone
MARKS = Path(__file__).parents[3] / "cotlens" / "measure" / "importance" / "marks.json"


def write(found: dict[str, Any]) -> None:
    """Write the file of the package."""
    MARKS.write_text(json.dumps(marks(found), indent=1) + "\n", encoding="utf-8")


def sentence(entry: dict[str, Any]) -> str:
    """What the docstring of the method has to say."""
    which = " and ".join(f'{name}="{value}"' for name, value in entry["settings"].items()) or "it"
    return f"Held to the truth (docs/truth.md), {which} is {entry['mark']}."


def marks(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The measures whose every line about `abacus` is marked; the last of its lines is quoted."""
    lines = {line["question"]: line for line in found["lines"] if line["model"] == BASE}
    known: dict[str, list[dict[str, Any]]] = {}
    for question in questions():
        if question.key in lines and (question.unit == "sentence" or question.told_apart == PATCHING):
            line = lines[question.key]
            entry = {"method": question.method, "settings": question.told_apart, "mark": line["mark"]}
            known.setdefault(json.dumps([question.method, question.told_apart]), []).append(entry)
    return [entries[-1] for entries in known.values() if all(entry["mark"] for entry in entries)]

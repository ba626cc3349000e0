"""What a view calls a model: by its name, and never by the way to it on this machine."""

from dataclasses import replace
from pathlib import Path

import cotlens as cl
from cotlens.widgets.shared.names import shown_name
from cotlens.widgets.shared.scores import meaning
from cotlens.workbench.editor import payload as editor
from cotlens.workbench.feature_table import payload as features
from tests.unit.widgets.results import importance


def test_a_folder_or_a_file_is_called_by_its_own_name():
    folder = Path.cwd() / "models" / "qwen3_5"
    assert shown_name(str(folder)) == "qwen3_5"
    assert shown_name(f"{folder}.gguf") == "qwen3_5.gguf"
    assert shown_name("Qwen/Qwen3-8B") == "Qwen/Qwen3-8B"


def test_no_head_has_the_way_to_the_model(abacus, monkeypatch):
    path = str(Path.cwd() / "models" / "qwen3_5")
    monkeypatch.setattr(abacus, "name", path)
    result = importance([0.5], texts=["One."])
    measured = replace(result, provenance=replace(result.provenance, model=path))
    heads = [editor.head(abacus, ""), features.head(abacus, cl.features.load_sae("abacus")), meaning(measured)]
    assert [head["model"] for head in heads] == ["qwen3_5"] * 3

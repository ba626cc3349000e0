"""Attention patterns: every head that was given, from local source, and no text that becomes code."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.plots import attention

PATTERN = np.tril(np.full((3, 3), 1 / 3, np.float32))


def test_patterns_are_local_and_harmless():
    texts = ["a", "</script><script>alert(1)</script>", "b"]
    html = cl.attention_patterns(texts, {(2, 1): PATTERN, (0, 3): PATTERN})._repr_html_()
    assert "alert(1)</script>" not in html
    assert "unpkg" not in html
    assert "layer 2, head 1" in html
    assert "layer 0, head 3" in html
    assert "0.333333" in html


def test_what_does_not_fit_is_refused(monkeypatch):
    with pytest.raises(InputError, match="no attention pattern"):
        cl.attention_patterns(["a"], {})
    with pytest.raises(InputError, match="2 texts need"):
        cl.attention_patterns(["a", "b"], {(0, 0): PATTERN})
    monkeypatch.setattr(attention, "MOST_WEIGHTS", 10)
    with pytest.raises(InputError, match="fewer heads"):
        cl.attention_patterns(["a", "b", "c"], {(0, 0): PATTERN, (0, 1): PATTERN})

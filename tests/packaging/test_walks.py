"""The three walks of CONTRIBUTING are walked: each file that is named is there, and is passed in this order."""

import re
import sys
from pathlib import Path

import pytest

import cotlens as cl
from cotlens.measure.answers.forced import StopPoint, score_points

ROOT = Path(__file__).parents[2]
STEP = re.compile(r"`([\w./-]+\.(?:py|ts)):(\w+)`")
PROMPT = "Ruth has 31 keys and finds 4 more. How many keys does she have?"


def steps(title):
    """(file, what is called there) of a walk, in order."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (walk,) = re.findall(rf"^\*\*{title}\*\*(.*?)(?=^\*\*|^`import)", guide, re.MULTILINE | re.DOTALL)
    return STEP.findall(walk)


def written(file):
    """Where a named file lies: TypeScript below the repository, Python in the package."""
    return ROOT / file if file.endswith(".ts") else ROOT / "cotlens" / file


class Calls:
    """What of some functions was called, in order, on this thread and on the one that owns the model."""

    def __init__(self, wanted, model=None):
        self._wanted, self._model = {(str(written(file)), name): (file, name) for file, name in wanted}, model
        self.found = []

    def _note(self, frame, event, _):
        if event == "call":
            code = frame.f_code
            step = self._wanted.get((code.co_filename, code.co_name))
            if step is not None:
                self.found.append(step)

    def _set(self, note):
        if self._model is not None:
            self._model.owner.run(lambda: sys.setprofile(note))
        sys.setprofile(note)

    def __enter__(self):
        self._set(self._note)
        return self

    def __exit__(self, *_):
        self._set(None)


def missed(walk, calls):
    """The first step that does not follow on those before it; None where all do."""
    came = iter(calls)
    return next((step for step in walk if step not in came), None)


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def trace(model):
    return model.reason(PROMPT, temperature=0.0)


TITLES = ("A prompt becomes a trace.", "An edit becomes a new answer.", "A click becomes a number.")


@pytest.mark.parametrize("title", TITLES)
def test_what_a_walk_names_is_there(title):
    walk = steps(title)
    assert len(walk) > 15
    for file, name in walk:
        text = written(file).read_text(encoding="utf-8")
        pattern = rf"def {name}\(" if file.endswith(".py") else rf"(?:function |^ +)(?:async )?{name}(?:<.*>)?\("
        assert re.search(pattern, text, re.MULTILINE), f"{file} has no {name}"


def test_a_prompt_becomes_a_trace(model):
    walk = steps(TITLES[0])
    with Calls(walk) as opening:
        cl.load("abacus")
    with Calls(walk, model) as writing:
        model.reason(PROMPT, max_new_tokens=24)
    assert missed(walk, opening.found + writing.found) is None


def test_an_edit_becomes_a_new_answer(model, trace):
    walk = steps(TITLES[1])
    with Calls(walk, model) as calls:
        edited = trace.replace(trace.spans("sentence")[-1], "So Ruth has 34 keys.")
        model.resume(edited, max_new_tokens=8)
        end = edited.roles["thought"].end
        score_points(model, edited, [StopPoint(end, "34"), StopPoint(end - 1, "34")])
    assert missed(walk, calls.found) is None


def test_a_click_becomes_a_number(model, trace):
    walk = steps(TITLES[2])
    editor = cl.CoTEditor(model, trace)
    editor.wait()
    message = {
        "kind": "measure", "request_id": 1, "document": editor.view.document["id"], "measure": "early-answer",
        "unit": "sentence", "metric": "logit_difference",
    }  # fmt: skip
    inside = [step for step in walk if step[0].endswith(".py")]
    with Calls(inside, model) as calls:
        editor._on_message(None, message, [])
        editor.wait()
    assert missed(inside, calls.found) is None


def test_a_walk_that_goes_another_way_is_found():
    walk = [("a.py", "first"), ("b.py", "second"), ("c.py", "third")]
    assert missed(walk, [walk[0], walk[0], walk[1], walk[2]]) is None
    assert missed(walk, [walk[0], walk[2], walk[1]]) == walk[2]
    assert missed(walk, [walk[1], walk[2]]) == walk[0]

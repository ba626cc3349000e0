"""The shipped Abacus, and editors on it that are spoken to as the front end does."""

import pytest

import cotlens as cl
from cotlens.widgets.protocol.editor import REQUESTS
from tests.unit.workbench.front_end import FrontEnd

PROMPT = (
    "Ravi has 16 shells. He finds 28 more shells on the beach. It is a sunny day. "
    "He gives away 15 shells. Then he loses 12 shells. How many shells does Ravi have?"
)
THOUGHT = "At first there are 16 shells. 16 + 28 = 44. Then 44 - 15 = 29. So 29 - 12 = 17."


@pytest.fixture(scope="session")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="session")
def trace(abacus):
    """A trace that Abacus wrote."""
    return abacus.reason(PROMPT, seed=1)


@pytest.fixture(scope="session")
def given(abacus):
    """A trace of a given text, so that tests know what stands where."""
    return cl.Trace.from_text(PROMPT, THOUGHT, "The answer is 17.", model=abacus)


@pytest.fixture(scope="module")
def unhurried():
    """A busy machine measures what is shown as a quiet one does, where it would wait to be asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cotlens.workbench.editor.measure_runner.AUTOMATIC_S", float("inf"))
        yield


class Front(FrontEnd):
    """Of an editor."""

    requests = REQUESTS

    @property
    def editor(self):
        return self.widget

    def tell(self, kind, **fields):
        """Send a message, confirmed where it is about work that may be long; its number."""
        return super().tell(kind, **(({"confirmed": True} if kind == "measure" else {}) | fields))

    def check_job(self, before):
        assert self.view.job == before or self.view.job["state"] in ("done", "idle"), self.view.job

    def place(self, text):
        """Where a text stands in the document, in UTF-16 units."""
        document = self.view.document["text"]
        at = document.index(text, self.view.document["roles"][1]["start"] if text in THOUGHT else 0)
        units = len(document[:at].encode("utf-16-le")) // 2
        return {"start": units, "end": units + len(text.encode("utf-16-le")) // 2}

    @property
    def current(self):
        """The entry of the branch that is shown."""
        (entry,) = [branch for branch in self.view.branches if branch["current"]]
        return entry


@pytest.fixture
def front(abacus):
    """A function that opens an editor on a trace, everything measured."""
    opened = []

    def open_editor(trace, *, wait=True, model=abacus, **options):
        editor = cl.CoTEditor(model, trace, **options)
        opened.append(editor)
        if wait:
            assert editor.wait(60)
        return Front(editor)

    yield open_editor
    for editor in opened:
        editor.cancel()
        assert editor.wait(60)

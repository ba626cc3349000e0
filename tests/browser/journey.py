"""The editor inside a notebook, by the names of its parts: what journeys point at, and what the kernel knows."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook

START = 'import cotlens as cl\nmodel = cl.load("abacus")\neditor = cl.CoTEditor(model, {trace})\neditor'
PROMPT = (
    "Ravi has 16 shells. On day 1, he finds 28 more shells. It is a sunny day. "
    "On day 2, he gives away 15 shells. On day 3, he loses 12 shells. How many shells does Ravi have?"
)
WRITTEN = f"model.reason({PROMPT!r}, seed=0)"


def from_text(prompt: str, thought: str, answer: str | None) -> str:
    """Python for a trace of given texts."""
    return f"cl.Trace.from_text({prompt!r}, {thought!r}, {answer!r}, model=model)"


class Editor:
    """One editor on the page."""

    def __init__(self, nb: Notebook, root: Locator) -> None:
        self.nb, self.page, self.root = nb, nb.page, root
        expect(root).to_be_visible()

    def find(self, selector: str) -> Locator:
        return self.root.locator(selector)

    def action(self, name: str) -> Locator:
        """A button by what it does."""
        return self.find(f'[data-action="{name}"]')

    def token(self, index: int) -> Locator:
        """A token of the text."""
        return self.find(f'[data-token="{index}"]')

    @property
    def status(self) -> Locator:
        return self.find(".cotlens-status")

    @property
    def chips(self) -> Locator:
        """The branch trail."""
        return self.find(".cotlens-chip")

    @property
    def reading(self) -> Locator:
        return self.find("[data-region=text]")

    @property
    def side(self) -> Locator:
        """The inspector."""
        return self.find(".cotlens-side")

    def settle(self) -> None:
        """Wait until what was asked for is answered, and all work has ended, in the kernel and on the page."""
        answered(self.root)
        assert self.kernel("editor.wait(300)") is True
        expect(self.action("cancel")).to_be_hidden()

    def kernel(self, expression: str) -> Any:
        """The value of an expression in the kernel."""
        return self.nb.value(expression)

    def trait(self, name: str) -> Any:
        """A trait as the kernel has it."""
        return self.kernel(f"editor.view.{name}")

    def shade_by(self, measure: str) -> None:
        """Choose an entry of the menu of measures."""
        self.find(".cotlens-measure").click()
        self.find(f'[data-measure="{measure}"]').click()

    def sentence(self, index: int) -> int:
        """The first token of a sentence of the thought."""
        return self.kernel(f"editor.trace.spans('sentence')[{index}].start")

    def rewrite(self, old: str, new: str) -> None:
        """Replace the first `old` of the thought in the text editor, and commit."""
        at = self.kernel(f"editor.trace.thought.index({old!r})")
        token = self.kernel(
            f"next(s.start for s in editor.trace.spans('token') if s.char_end > "
            f"editor.trace.roles['thought'].char_start + {at})"
        )
        self.token(token).dblclick()
        content = self.find(".cm-content")
        expect(content).to_be_focused()
        self.page.keyboard.press("ControlOrMeta+Home")
        for _ in range(at):
            self.page.keyboard.press("ArrowRight")
        for _ in old:
            self.page.keyboard.press("Delete")
        self.page.keyboard.type(new)
        self.page.keyboard.press("ControlOrMeta+Enter")
        expect(self.find(".cm-editor")).to_have_count(0)


def answered(root: Locator) -> None:
    """Wait until Python has answered all that the widget has asked."""
    expect(root).not_to_have_attribute("data-asking", "", timeout=120_000)


def editor(nb: Notebook, cell: int, *, settled: bool = True) -> Editor:
    """The editor that a cell shows."""
    opened = Editor(nb, nb.output(cell).locator(".cotlens-root"))
    if settled:
        opened.settle()
    return opened


def cell(trace: str) -> str:
    """A cell that opens an editor."""
    return START.format(trace=trace)


def heat(opened: Editor) -> list[str]:
    """The heat classes of the tokens that are drawn."""
    classes = opened.find("[data-token]").evaluate_all("each => each.map(e => e.className)")
    return [name for name in classes if "cotlens-up" in name or "cotlens-down" in name]

"""The quickstart as a person walks through it: shading, pointing, branching, editing, going back."""

import pytest
from playwright.sync_api import expect

from tests.browser.journey import WRITTEN, Editor, cell, editor, heat

QUICKSTART = "quickstart.ipynb"
# The model stands still once it has written so many tokens, until it is let go.
HELD = """
import threading
hold, resume = threading.Event(), model.resume
def held(trace, *, on_token=None, **options):
    written = []
    def told(at, piece):
        on_token(at, piece)
        written.append(piece)
        if len(written) == 30:
            hold.wait(200)
    return resume(trace, on_token=told, **options)
model.resume = held
"""


@pytest.fixture
def quickstart(notebook):
    """The notebook's own editor, every cell run."""
    nb = notebook(QUICKSTART)
    nb.run_all()
    assert nb.page.locator(".jp-Notebook .jp-Cell").count() <= 10
    expect(nb.page.locator(".jp-Notebook .cotlens-editor")).to_have_count(1)
    return editor(nb, 3)


def test_the_quickstart_shades_points_and_scrubs(quickstart):
    page, view = quickstart.page, quickstart
    thought = view.kernel("[editor.trace.roles['thought'].start, editor.trace.roles['thought'].end]")

    # three parts, heat, and a legend with zero, unit and method
    for role in ("prompt", "thought", "answer"):
        expect(view.find(f".cotlens-role:has-text('{role}')").first).to_be_visible()
    assert heat(view)
    words = view.find(".cotlens-words")
    for said in ("Occlusion, direct effect", "0 = no effect", "supports the answer"):
        expect(words).to_contain_text(said)
    expect(view.find(".cotlens-legend")).to_contain_text("nats")

    # measure, unit and metric
    view.find("[data-unit=sentence]").click()
    expect(view.find("[data-unit=sentence]")).to_have_attribute("aria-pressed", "true")
    metric = view.find("select[aria-label=metric]")
    view.shade_by("early-answer")
    expect(words).to_contain_text("Early answer")
    metric.select_option("probability")
    expect(view.find(".cotlens-legend")).to_contain_text("probability")
    view.settle()
    shown = view.trait("selection")
    wish = {"measure": "early-answer", "unit": "sentence", "metric": "probability", "n": 0, "spans": [], "target": ""}
    assert shown == wish
    assert view.kernel("[editor.result.method, editor.result.unit, editor.result.metric]") == [
        "EarlyAnswer",
        "sentence",
        "probability",
    ]
    view.shade_by("occlusion-total")
    view.find("[data-unit=token]").click()
    metric.select_option("logit_difference")
    expect(words).to_contain_text("total effect")

    # the pointer and the keyboard show probability and alternatives
    token = view.sentence(1) + 2
    view.token(token).hover()
    expect(view.side).to_have_attribute("data-subject", str(token))
    expect(view.find(".cotlens-chosen")).to_be_visible()
    page.mouse.move(0, 0)
    expect(view.side, "the list can be reached").to_have_attribute("data-subject", str(token))
    view.reading.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(view.side).not_to_have_attribute("data-subject", str(token))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(view.side).to_have_attribute("data-subject", str(thought[0] + 1))
    best = view.kernel(f"editor.trace.top_pieces[{thought[0] + 1}][0]")
    expect(view.find(".cotlens-choice").first).to_have_attribute("data-token-text", best)
    expect(view.find(".cotlens-fact-probability")).not_to_have_text("not measured")

    # the strip: dragging asks nothing and dims what comes after
    jobs = view.trait("job")["id"]
    box = view.find(".cotlens-handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 150, y, steps=4)
    page.mouse.move(x - 300, y, steps=4)
    page.mouse.up()
    expect(view.find(".cotlens-said")).to_contain_text("stopped here it would answer")
    assert view.find(".cotlens-dim, .cotlens-dimmed").count() > 3
    assert view.trait("job")["id"] == jobs and len(view.trait("branches")) == 1


def test_branching_truncating_editing_and_going_back(notebook):
    nb = notebook([cell(WRITTEN)])
    nb.run_all()
    view = editor(nb, 0)
    first = view.kernel("editor.trace.id")

    # an alternative becomes a branch that holds it
    token = view.kernel(
        "next(s.start for s in editor.trace.spans('token')[8:] "
        "if editor.trace.top_pieces[s.start][1].strip() and editor.trace.top_ids[s.start][0] == "
        "editor.trace.token_ids[s.start])"
    )
    view.token(token).click()
    choice = view.find(".cotlens-choice:not(.cotlens-chosen)").first
    expect(view.find(".cotlens-chosen")).to_be_visible()
    text = choice.get_attribute("data-token-text")
    choice.click()
    expect(view.chips).to_have_count(2)
    view.settle()
    assert view.kernel(f"editor.trace.tokens[{token}]") == text
    assert view.kernel("editor.trace.parent.id") == first
    expect(view.find(f'.cotlens-ins[data-token="{token}"]')).to_have_text(text.strip())

    # back by key, and the thought as it was
    view.reading.focus()
    nb.page.keyboard.press("[")
    expect(view.chips.nth(0)).to_have_attribute("aria-current", "true")
    assert view.kernel("editor.trace.id") == first

    # truncating gives a branch with an answer
    cut = view.sentence(3)
    view.token(cut).click()
    view.action("truncate").click()
    expect(view.chips).to_have_count(3)
    view.settle()
    assert view.kernel(f"editor.trace.token_ids[:{cut}] == editor.branches[0].token_ids[:{cut}]") is True
    answer = view.kernel("editor.trace.read_answer().text")
    expect(view.find(".cotlens-answer")).to_contain_text(answer)
    expect(view.find(".cotlens-pair").last).to_contain_text("other")

    # an edit of the text is written on, compared, and its surprise said
    view.chips.nth(0).click()
    expect(view.chips.nth(0)).to_have_attribute("aria-current", "true")
    number = view.kernel("__import__('re').search(r'= (\\d+)', editor.trace.thought).group(1)")
    view.rewrite(f"= {number}", f"= {int(number) + 10}")
    expect(view.chips).to_have_count(4)
    view.settle()
    assert f"= {int(number) + 10}" in view.kernel("editor.trace.thought")
    comparison = view.trait("comparison")
    expect(view.find(".cotlens-role:has-text('answer')").last).to_contain_text(
        f"now {comparison['after']['answer']}"
        if comparison["after"]["answer"] != comparison["before"]["answer"]
        else "still"
    )
    rows = view.find(".cotlens-pair").all_inner_texts()
    assert [row.split("\n")[0] for row in rows] == [row["answer"] for row in comparison["rows"]]
    assert all("→" in row for row in rows)
    expect(view.find(".cotlens-comparison")).to_contain_text("nats per token")
    expect(view.find(".cotlens-diff .cotlens-del").first).to_be_visible()
    expect(view.find(".cotlens-diff .cotlens-ins").first).to_be_visible()
    expect(view.find(".cotlens-content .cotlens-del").first).to_be_visible()

    # everything is still there
    edited = view.kernel("editor.trace.id")
    view.chips.nth(1).click()
    expect(view.chips.nth(1)).to_have_attribute("aria-current", "true")
    nb.page.keyboard.press("Escape")
    view.reading.focus()
    for index in (2, 3):
        nb.page.keyboard.press("]")
        expect(view.chips.nth(index)).to_have_attribute("aria-current", "true")
    view.settle()
    assert view.kernel("editor.trace.id") == edited and view.trait("comparison") == comparison


def test_a_view_that_is_drawn_while_the_model_writes_shows_all_that_was_written(notebook):
    nb = notebook([cell(WRITTEN), HELD, "editor"])
    nb.run(0)
    view = editor(nb, 0)
    nb.run(1)
    view.token(view.sentence(1)).click()
    view.action("rerun").click()
    expect(view.status).to_contain_text(" tokens")
    view.kernel("__import__('time').sleep(1)")  # by then the model stands
    nb.run(2)
    late = Editor(nb, nb.output(2).locator(".cotlens-root"))
    written = view.find(".cotlens-streaming p").text_content()
    assert written and written.strip()
    expect(late.find(".cotlens-streaming p")).to_have_text(written)
    expect(late.status).to_contain_text("of ")
    view.kernel("hold.set()")
    view.settle()
    text = view.kernel("editor.trace.text")
    assert written.strip() in text
    for each in (view, late):
        expect(each.find(".cotlens-streaming")).to_have_count(0)
        expect(each.find(".cotlens-thought").last).to_contain_text(
            view.kernel("editor.trace.thought.split('.')[-2].strip()")
        )


def test_picture_of_the_editor(notebook):
    nb = notebook([cell(WRITTEN)], width=1240)
    nb.run_all()
    view = editor(nb, 0)
    # an edit that changes the answer: of the first results, one that the model goes on from
    numbers = view.kernel("[m.start(1) for m in __import__('re').finditer(r'= (\\d+)', editor.trace.thought)]")
    for at in numbers:
        if view.chips.count() > 1:
            view.chips.nth(0).click()
            expect(view.chips.nth(0)).to_have_attribute("aria-current", "true")
        old = view.kernel(f"__import__('re').match(r'\\d+', editor.branches[0].thought[{at}:]).group()")
        branches = view.chips.count()
        view.rewrite(f"= {old}", f"= {int(old) + 10}")
        expect(view.chips).to_have_count(branches + 1)
        view.settle()
        comparison = view.trait("comparison")
        if comparison["after"]["answer"] not in (None, comparison["before"]["answer"]):
            break
    else:
        pytest.fail("no edited result changed the answer")
    view.token(view.kernel("editor.trace.edit.start_token")).click()
    expect(view.find(".cotlens-chosen")).to_be_visible()
    assert heat(view) and view.chips.count() > 1
    expect(view.find(".cotlens-pair").first).to_be_visible()
    for theme in ("light", "dark"):
        nb.theme(theme)
        expect(view.root).to_have_attribute("data-cotlens-theme", theme)
        nb.page.wait_for_timeout(200)  # for the eye: transitions of JupyterLab's own
        assert nb.picture(view.root, f"editor-{theme}").stat().st_size > 20_000
    nb.theme("light")

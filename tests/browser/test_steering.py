"""The steering panel in a notebook: slide, stream, compare with a random vector, rerun from a token, go back."""

from playwright.sync_api import expect

from tests.browser.journey import answered

ABACUS = """
import numpy as np, cotlens as cl
model = cl.load("abacus")
trace = cl.Trace.from_text(
    "Mia has 12 pears and buys 7 more. How many pears does she have?", "Mia has 12 pears. 12 + 7 = 19.",
    "The answer is 19.", model=model,
)
values = np.random.default_rng(3).standard_normal(128)
vector = cl.steering.given(values, 1, name="push", model=model, traces=[trace])
panel = cl.SteeringPanel(model, trace, [vector], max_new_tokens=24)
panel
"""

RANDOM = """
import numpy as np, cotlens as cl
from tests.model import tiny
model = tiny.model({family!r})
trace = model.compose("Mia has 12 pears.", "First I add 12 and 7. It is 19 now.", "The answer is 19.")
vector = cl.steering.given(np.random.default_rng(0).standard_normal(32), 1, model=model, traces=[trace])
panel = cl.SteeringPanel(model, trace, vector, max_new_tokens=12)
panel
"""

SLIDE = """(root) => {
  const slider = root.querySelector('[data-dial="0"]');
  slider.value = slider.max;
  slider.dispatchEvent(new Event('input', { bubbles: true })); }"""


def slide(root):
    """Move the first slider, and wait until a token that the baseline hasn't got is drawn."""
    root.evaluate(SLIDE)
    expect(root.locator("[data-region=steered] .cotlens-come").first).to_be_visible(timeout=120_000)


def test_slide_compare_rerun_and_go_back(notebook):
    nb = notebook([ABACUS])
    nb.run_all()
    root = nb.page.locator(".cotlens-steering")
    expect(root).to_be_visible()
    assert nb.value("panel.wait(300)") is True
    expect(root.locator("[data-cell=answer-baseline]")).to_have_text("19")

    # the slider writes, token by token, and the verdict follows
    slide(root)
    assert nb.value("panel.wait(300)") is True
    expect(root.locator(".cotlens-tail-text")).to_have_count(0)
    expect(root.locator("[data-region=baseline] .cotlens-gone").first).to_be_visible()
    expect(root.locator(".cotlens-verdict")).not_to_have_attribute("data-kind", "none")
    assert nb.value("[dial.coefficient for dial in panel._tries.current.dials]") == [1]

    # what the model writes there without the vector, one click away
    root.locator("[data-which=unsteered]").click()
    expect(root.locator("[data-region=baseline]")).to_contain_text("without vectors")
    assert nb.value("panel.run.unsteered.steered.text.startswith(trace.text[:20])")
    root.locator("[data-which=baseline]").click()
    assert nb.value("panel.steered.parent == trace")

    # a random vector of equal norm, one click away
    root.locator("[data-action=control]").click()
    expect(root.locator("[data-cell=perplexity-control]")).not_to_have_text("—", timeout=120_000)
    assert nb.value("panel.run.control.steerings[0].vector.name.startswith('random')")
    root.locator("[data-action=control]").click()
    expect(root.locator("[data-cell=perplexity-control]")).to_be_hidden()

    # by keys: rerun from a token, back to the original
    pane = root.locator("[data-region=baseline]")
    pane.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "r"):
        nb.page.keyboard.press(key)
    expect(root.locator(".cotlens-chip")).to_have_count(3, timeout=120_000)
    assert nb.value("panel.wait(300)") is True
    expect(root.locator(".cotlens-chip[aria-current]")).to_contain_text("from token")
    nb.page.keyboard.press("[")
    nb.page.keyboard.press("[")
    expect(root.locator(".cotlens-chip").first).to_have_attribute("aria-current", "true")
    answered(root)
    assert nb.value("panel.steered is None")
    root.locator("[data-action=code]").click()
    expect(root.locator(".cotlens-code")).to_contain_text("cl.load('abacus')")
    assert nb.value("panel.error") == ""

    # one more vector of a picked token, and a sweep of it
    root.locator("[data-region=baseline] [data-token]").last.click()
    root.locator("[data-action=add]").click()
    root.locator("[data-action=add-token]").click()
    expect(root.locator("[data-vector]")).to_have_count(2, timeout=120_000)
    assert nb.value("panel.vectors[1].provenance.method") == "token"
    root.locator("[data-box='1']").focus()
    expect(root.locator("[data-action=sweep]")).not_to_have_attribute("aria-disabled", "true", timeout=120_000)
    root.locator("[data-action=sweep]").click()
    expect(root.locator(".cotlens-sweep-cost")).to_contain_text("72 rollouts of at most 24 tokens each")
    root.locator("[data-action=sweep-strength]").fill("1")
    root.locator("[data-action=sweep-start]").click()
    # points whose rollouts were cut off are not drawn, and the note says so
    expect(root).to_contain_text("points were measured", timeout=120_000)
    assert nb.value("panel.wait(300)") is True
    assert nb.value("len(panel.swept)") == 9

    # numbers that break the model: said, and the baseline stays
    box = root.locator("[data-box='0']")
    box.fill("1e38")
    box.press("Enter")
    expect(root.locator(".cotlens-notice")).to_contain_text("NaN or infinite", timeout=120_000)
    expect(root.locator("[data-cell=answer-baseline]")).to_have_text("19")


def test_random_models(notebook):
    nb = notebook([RANDOM.format(family="llama"), RANDOM.format(family="gemma3")])
    for index in (0, 1):
        nb.run(index)
        root = nb.output(index).locator(".cotlens-steering")
        expect(root).to_be_visible()
        assert nb.value("panel.wait(300)") is True
        slide(root)
        assert nb.value("panel.wait(300)") is True
        expect(root.locator(".cotlens-verdict")).not_to_have_attribute("data-kind", "none")
        assert nb.value("panel.error") == ""

"""A sampled measure in JupyterLab: its cost, what comes while it goes on, cancelling, and what is kept."""

from playwright.sync_api import expect

from tests.browser.journey import WRITTEN, answered, cell, editor, heat

WAITING = "\nfrom cotlens.workbench.editor import measure_runner\nmeasure_runner.AUTOMATIC_S = 0.5\neditor"


def test_a_sampled_measure_streams_and_keeps_what_came(notebook):
    nb = notebook([cell(WRITTEN) + WAITING], alone=True)
    nb.run_all()
    view = editor(nb, 0)
    view.find(".cotlens-measure").click()
    entry = view.find('[data-measure="resampling"]')
    expect(entry).to_contain_text("rollouts of about")
    entry.click()
    words = view.find(".cotlens-words")
    expect(words).to_contain_text("Long work waits")
    draws = view.find("select[aria-label='rollouts from each place']")
    draws.select_option("200")
    expect(words).to_contain_text("rollouts of about")
    answered(view.root)
    assert view.trait("selection")["n"] == 200 and view.trait("shading") == {}

    view.action("measure").click()
    expect(view.status).to_contain_text(" answers read · ", timeout=120_000)  # how many can be, as they come
    expect(words).to_contain_text("not complete", timeout=120_000)
    # intervals stand there while rollouts come
    expect(view.find(".cotlens-effect-interval").first).to_be_attached(timeout=120_000)
    expect(view.action("cancel")).to_be_visible()
    view.find("[data-action=cancel]").click()
    expect(view.status).to_contain_text("cancelled")
    view.settle()
    expect(view.status).to_contain_text("kept")
    expect(words).to_contain_text("not complete")
    expect(view.action("measure")).to_have_text("Measure the rest")

    # what came is kept, in the kernel and on the page
    assert view.kernel("int(editor.result.columns['n'].max())") > 0
    assert view.kernel("editor.result.extras['edit_type']") == "on-policy"
    row = view.kernel("int(editor.result.columns['n'].argmax())")
    view.find(f'[data-sentence="{row}"]').click()
    expect(view.find('[data-fact="rollouts"]')).to_contain_text("with it")
    expect(view.find(".cotlens-fact-certainty")).to_contain_text(" to ")

    # and the line of Python is the same measurement
    assert "cl.importance.Resampling(unit='sentence', n=200, metric='probability')" in view.kernel("editor.code")
    view.shade_by("occlusion-direct")
    view.find("[data-unit=token]").click()
    view.settle()
    if view.action("measure").is_visible():
        view.action("measure").click()
        view.settle()
    assert heat(view), "the thread is free for the next"

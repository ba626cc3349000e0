"""The feature table in a notebook: read, paint, select, measure, ablate and rerun, name, go back."""

from playwright.sync_api import expect

from tests.browser.journey import answered

NOTEBOOK = "features.ipynb"
RANDOM = """
import torch, cotlens as cl
from cotlens.measure.features.autoencoder.config import Config
from tests.model import tiny
model = tiny.model({family!r})
trace = model.compose("Mia has 12 pears.", "First I add 12 and 7. It is 19 now.", "The answer is 19.")
rows = torch.nn.functional.normalize(torch.randn(64, 32, generator=torch.Generator().manual_seed(0)), dim=1)
weights = {{"W_enc": rows.T.clone(), "b_enc": torch.zeros(64), "W_dec": rows, "b_dec": torch.zeros(32)}}
sae = cl.features.SAE(Config(architecture="topk", d_in=32, d_sae=64, site="resid_post.1", k=6), weights)
table = cl.FeatureTable(model, trace, sae, exact=2, target="19")
table
"""


def test_the_notebook_reads_paints_and_ablates(notebook):
    nb = notebook(NOTEBOOK)
    nb.run_all()
    root = nb.page.locator(".cotlens-features")
    expect(root).to_be_visible()
    assert nb.value("table.wait(300)") is True
    expect(root.locator(".cotlens-table-body [data-row]").first).to_be_visible()

    # by size of the estimated effect; picking one paints the text
    root.locator("[data-sort=estimate]").click()
    first = root.locator(".cotlens-table-body [data-row]").first
    latent = int(first.locator(".cotlens-cell-latent").inner_text())
    first.click()
    expect(root.locator(".cotlens-caption")).to_contain_text(f"latent {latent}")
    expect(root.locator(".cotlens-t[class*='cotlens-amount']").first).to_be_visible()
    expect(first.locator(".cotlens-cell-exact")).not_to_have_text("not asked")

    # selecting a sentence filters the table and reaches Python
    listed = int(root.locator("[data-region=table]").get_attribute("data-count"))
    root.locator("[data-block]").nth(3).click()
    expect(root.locator("[data-action=part]")).to_have_text("sentence 2")
    assert int(root.locator("[data-region=table]").get_attribute("data-count")) < listed
    sentence = "(table.trace.spans('sentence')[2].start, table.trace.spans('sentence')[2].end)"
    nb.expect_value(f"table.selection == {sentence}", True)

    # a name of one's own
    root.locator("[data-action=name]").click()
    nb.page.keyboard.type("my own name")
    nb.page.keyboard.press("Enter")
    expect(root.locator("[data-action=name]")).to_have_text("my own name")
    nb.expect_value(f"table.labels.get({latent})", "my own name")

    # ablate from there on, and rerun: a branch, compared
    root.locator("select[aria-label=where]").select_option("onwards")
    root.locator("[data-action=rerun]").click()
    expect(root.locator("[data-branch]")).to_have_count(2, timeout=120_000)
    assert nb.value("table.wait(300)") is True
    expect(root.locator(".cotlens-pair").first).to_be_visible()
    assert nb.value(f"'cl.features.clamp(sae, {latent}, 0.0' in table.code")

    # and back, by key
    root.locator("[data-region=table]").focus()
    nb.page.keyboard.press("[")
    expect(root.locator("[data-branch]").first).to_have_attribute("aria-current", "true")
    answered(root)
    assert nb.value("table.trace.id == table.branches[0].id")
    assert nb.value("table.error") == ""
    nb.value(f"table._labels.type({latent}, '')")


def test_random_models_with_random_autoencoders(notebook):
    nb = notebook([RANDOM.format(family="llama"), RANDOM.format(family="gemma3")])
    for index in (0, 1):
        nb.run(index)
        root = nb.output(index).locator(".cotlens-features")
        assert nb.value("table.wait(300)") is True
        expect(root.locator(".cotlens-warning:visible")).to_contain_text("may belong to another model")
        blank = root.locator("[data-action=blank]")
        if blank.is_visible():
            blank.click()
        root.locator(".cotlens-table-body [data-row]").first.click()
        expect(root.locator(".cotlens-t[class*='cotlens-amount']").first).to_be_visible()
        root.locator("select[aria-label=where]").select_option("everywhere")
        root.locator("[data-mode=clamp]").click()
        root.locator(".cotlens-value").fill("20")
        root.locator("[data-region=table]").focus()
        nb.page.keyboard.press("r")
        expect(root.locator("[data-branch]")).to_have_count(2, timeout=120_000)
        assert nb.value("table.wait(300) and table.error") == ""

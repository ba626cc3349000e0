"""What monitors found, underlined in the editor: on the words, told by the inspector, and off at one press."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery

FOUND = """(() => {{ const {{ id }} = model.get('document'), cuts = model.get('token_offsets');
    const at = (token) => cuts.getUint32(4 * token, true);
    const one = {{ document: id, start: at({0}), end: at({1}), monitor: 'judge', category: 'arithmetic', severity: 3,
        guess: false, rationale: '<b>wrong</b>' }};
    return [one, {{ ...one, document: 'another', start: 0, end: 5, guess: true }}]; }})()"""


def test_findings_are_a_layer(gallery: Gallery) -> None:
    gallery.show("shaded")
    layer = gallery.action("findings")
    expect(layer).to_be_hidden()
    gallery.set(f"{{ findings: {FOUND.format(69, 72)} }}")
    expect(layer).to_have_text("1 finding")
    marked = gallery.find(".cotlens-underlined")
    assert marked.evaluate_all("(all) => all.map((each) => Number(each.dataset.token))") == [69, 70, 71]
    assert "cotlens-underlined-severe" in (marked.first.get_attribute("class") or "")
    assert marked.first.evaluate("(each) => getComputedStyle(each).textDecorationLine") == "underline"
    gallery.token(70).click()
    expect(gallery.find('[data-fact="judge"]')).to_have_text("arithmetic, severity 3: <b>wrong</b>")
    layer.click()
    expect(layer).to_have_attribute("aria-pressed", "false")
    expect(marked).to_have_count(0)
    layer.press("Enter")
    expect(marked).to_have_count(3)
    gallery.set("{ findings: [] }")
    expect(layer).to_be_hidden()
    expect(marked).to_have_count(0)

"""States of the editor: they say what they are, shift nothing, and follow the theme."""

import re

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_the_states_say_what_they_are(gallery: Gallery) -> None:
    words = {
        "loading": "Loading Qwen/Qwen3-0.6B: weights, 1.2 GB, 12 s so far.",
        "first": "Nothing measured yet. Early answer is the cheapest here: at most 1,204 tokens, about 0.1 s.",
        "running": "occlusion · 86 of 93 · about 3 s left",
        "cancelled": "cancelled: occlusion; 42 of 93 kept",
        "error": "Close other notebooks, or load the model",
        "gone": "kernel gone: reading still works",
        "empty": "The thought is empty: the model answered at once.",
        "unclosed": "The thought was never closed: it ran into the limit of new tokens.",
        "unreadable": "no answer could be read",
        "impossible": 'load the model with backend="local". Possible here: Early answer.',
        "branch": "This edit surprises the model (5.81 nats per token; its own words: 0.410).",
        "truncated": "from here on the model wrote again",
    }
    gallery.show("first")
    for state, expected in words.items():
        gallery.turn(state)
        said = re.sub(r"\d+ s so far", "12 s so far", gallery.root.inner_text())  # time goes on
        assert expected in said, state
        assert "!" not in said, state


def test_hostile_text_stays_text(gallery: Gallery) -> None:
    gallery.show("hostile")
    gallery.token(20).click()
    expect(gallery.find(".cotlens-choice[data-token-text]").first).to_be_visible()
    gallery.page.wait_for_timeout(150)  # what may run would have run by then
    assert gallery.page.evaluate("window.hacked") is None
    expect(gallery.find("script, img, a, iframe, svg[onload], b:not([class]) *")).to_have_count(0)
    text = gallery.find(".cotlens-content").inner_text()
    assert "<script>window.hacked = 1</script>" in text
    assert "&lt;b&gt;bold" in text


def test_results_shift_nothing(gallery: Gallery) -> None:
    gallery.show("first", width=900)
    parts = [".cotlens-head", ".cotlens-shade", ".cotlens-strip", ".cotlens-main", ".cotlens-reading", ".cotlens-foot"]
    before = [gallery.box(part) for part in parts]
    rows = gallery.token(60).bounding_box()
    gallery.page.evaluate(
        """() => { const { show } = window.__cotlens;
        show('shaded'); const full = window.__cotlens.model;
        show('first'); const now = window.__cotlens.model;
        const parts = ['rows', 'values', 'low', 'high', 'certainty', 'facts'].map((part) => `shading_${part}`);
        const keys = ['shading', ...parts, 'strip', 'strip_at', 'strip_values'];
        now.set(Object.fromEntries(keys.map((key) => [key, full.get(key)])));
        const job = { id: 1, state: 'running', label: 'occlusion', done: 3, total: 9, eta: 2 };
        now.set({ job: { ...job, message: null, remedy: null } }); }"""
    )
    gallery.settle()
    assert [gallery.box(part) for part in parts] == before
    assert gallery.token(60).bounding_box() == rows


def test_high_contrast_and_reduced_motion(gallery: Gallery) -> None:
    gallery.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    gallery.show("shaded")
    strong = gallery.find(".cotlens-up.cotlens-w2").first
    assert strong.evaluate("(each) => getComputedStyle(each).borderBottomWidth") == "3px"
    fill, ink = gallery.find(".cotlens-chip[aria-current]").evaluate(
        "(each) => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]"
    )
    assert fill != ink
    assert (
        gallery.find(".cotlens-down.cotlens-w1").first.evaluate("(each) => getComputedStyle(each).borderTopWidth")
        == "1px"
    )


def test_the_theme_follows_the_notebook(gallery: Gallery) -> None:
    gallery.show("shaded")
    for script, theme in [
        ("document.body.dataset.jpThemeLight = 'false'", "dark"),
        ("delete document.body.dataset.jpThemeLight; document.body.dataset.vscodeThemeKind = 'vscode-light'", "light"),
        ("document.body.dataset.vscodeThemeKind = 'vscode-high-contrast'", "dark"),
        (
            "delete document.body.dataset.vscodeThemeKind; document.documentElement.setAttribute('theme', 'dark')",
            "dark",
        ),
        ("document.documentElement.removeAttribute('theme'); document.body.style.background = '#111111'", "dark"),
        ("document.body.style.background = '#fafafa'", "light"),
    ]:
        gallery.page.evaluate(script)
        expect(gallery.root, script).to_have_attribute("data-cotlens-theme", theme)

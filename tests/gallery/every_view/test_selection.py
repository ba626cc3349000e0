"""What is picked is told to linked widgets, and what they pick is followed, in every view."""

from typing import Any

import pytest

from tests.gallery.page import Gallery

SENTENCE = "model.get('document').sentences[3]"


def selected(gallery: Gallery) -> dict[str, Any]:
    return gallery.model("model.get('selected')")


def link(gallery: Gallery, **parts: Any) -> None:
    """What a linked widget picks."""
    gallery.page.evaluate("(parts) => window.__cotlens.model.set({ selected: parts })", parts)
    gallery.settle()


def test_the_editor_tells_a_sentence_a_token_and_nothing(gallery: Gallery) -> None:
    gallery.show("shaded")
    sentence, document = gallery.model(SENTENCE), gallery.model("model.get('document').id")
    link(gallery, latent=7)
    gallery.find('[data-sentence="3"]').first.click()
    about = {"latent": 7, "trace": document}
    assert selected(gallery) == {**about, "span": [sentence["first"], sentence["last"]], "unit": "sentence"}
    gallery.token(87).click()
    assert selected(gallery) == {**about, "span": [87, 88], "unit": "token"}
    gallery.page.keyboard.press("Escape")
    assert selected(gallery) == about, "what others picked stays"


def test_the_editor_follows_what_is_about_its_text(gallery: Gallery) -> None:
    gallery.show("shaded")
    sentence, document = gallery.model(SENTENCE), gallery.model("model.get('document').id")
    link(gallery, trace=document, span=[sentence["first"], sentence["last"]], unit="sentence")
    assert gallery.find(".cotlens-picked[data-row], .cotlens-picked").count() >= 1
    assert gallery.find(".cotlens-picked [data-sentence]").first.get_attribute("data-sentence") == "3"
    link(gallery, trace="another", span=[80, 81])
    assert gallery.find(".cotlens-picked [data-sentence]").first.get_attribute("data-sentence") == "3"
    link(gallery, span=[80, 84], unit="paragraph")
    assert gallery.find(".cotlens-in").count() == 4
    assert selected(gallery)["unit"] == "paragraph", "what came from elsewhere isn't told again in other units"
    link(gallery, span=[10**6, 10**6 + 4])
    link(gallery)
    assert gallery.find(".cotlens-picked, .cotlens-in, .cotlens-cur").count() == 0


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ("map", "text"),
        ("maptokens", "text"),
        ("pairs", "matrix"),
        ("steertwo", "[data-token='70']"),
        ("features", "[data-token='70']"),
        ("rollouts", "rows"),
    ],
)
def test_views_follow_and_tell(gallery: Gallery, state: str, act: str) -> None:
    gallery.show(state, width=1400)
    about = {"trace": "t4"} if state == "rollouts" else {}
    place = [0, 5] if state == "rollouts" else [58, 60]
    link(gallery, **about, span=place, unit="paragraph")
    assert selected(gallery)["span"] == place, "only what a person picks is told"
    if act.startswith("["):
        gallery.find(act).first.click()
    else:
        gallery.find(f"[data-region={act}]").focus()
        gallery.page.keyboard.press("ArrowRight")
    told = selected(gallery)["span"]
    assert told != place and told[0] < told[1]
    # The next one of what was followed, not the first of all.
    assert told == {"map": [72, 86], "maptokens": [72, 73], "pairs": [72, 86], "rollouts": told}.get(state, [70, 71])


def test_a_latent_is_followed_and_told(gallery: Gallery) -> None:
    gallery.show("features", width=1400)
    gallery.find(".cotlens-table-body [data-row]").first.click()
    told = selected(gallery)["latent"]
    link(gallery, latent=told + 1)
    assert str(told + 1) in gallery.find("[data-region=detail]").inner_text()


def test_a_finding_of_a_monitor_is_told_with_its_thought(gallery: Gallery) -> None:
    gallery.show("monitors")
    gallery.find("[data-region=thoughts]").focus()
    gallery.page.keyboard.press("ArrowRight")
    found = gallery.model("model.get('panel').thoughts[0].findings[0]")
    told = {"trace": "thought-0", "span": found["tokens"], "unit": "span", "findings": [found["category"]]}
    assert selected(gallery) == told
    link(gallery, trace="thought-2")
    assert gallery.find("[role=option][aria-selected=true] .cotlens-number").inner_text() == "3"


def test_a_layer_is_told_of_a_place_that_others_picked(gallery: Gallery) -> None:
    """The place is theirs already: what a person picks of it is the layer alone."""
    gallery.show("lenstwo", width=900)
    first = gallery.model("model.get('grid').levels[0].panels[0].first.getUint32(4 * 5, true)")
    link(gallery, trace="t7", span=[first, first + 1])
    assert "layer" not in selected(gallery), "only what a person picks is told"
    gallery.find("[data-region=layers]").focus()
    gallery.page.keyboard.press("ArrowDown")
    assert selected(gallery)["layer"] == 11
    gallery.page.keyboard.press("ArrowUp")
    assert selected(gallery)["layer"] == 12

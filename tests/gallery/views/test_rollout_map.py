"""The map of rollouts: found, filtered, compared and opened, by keys and by hand, with Python and without."""

import pytest
from playwright.sync_api import expect

from tests.gallery.page import Gallery

# What the canvas shows after it was scrolled step by step, and what it shows drawn anew at the same place.
SCROLLED = """async (grid) => {
  const canvas = grid.querySelector('canvas'), frame = () => new Promise((done) => requestAnimationFrame(() => done()))
  const pixels = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join()
  const blank = pixels(), differ = []
  for (const by of [3, 40, 300, -17, 2000, -260, 5]) {
    grid.scrollTop += by
    await frame(); await frame()
    const moved = pixels()
    grid.closest('.cotlens-root').dispatchEvent(new CustomEvent('cotlens-theme'))
    await frame(); await frame()
    if (moved !== pixels()) differ.push(by)
    if (moved === blank) differ.push(`nothing moved by ${by}`)
  }
  return differ }"""


def test_from_many_rollouts_to_the_place_in_the_editor(gallery: Gallery) -> None:
    """Answers are filtered, a text is searched, two rollouts are pinned, and one is opened at a sentence."""
    gallery.show("rollouts")
    status, press = gallery.find(".cotlens-status"), gallery.page.keyboard.press
    expect(status).to_have_text("60 rollouts")
    gallery.find("select[aria-label='which answers']").select_option(label="16")
    expect(status).to_have_text("12 of 60 rollouts")
    gallery.find("[data-region=rows]").focus()
    press("/")
    gallery.page.keyboard.type("something of its own")
    expect(status).to_have_text("11 of 60 rollouts")
    press("Enter")
    press("ArrowDown")
    press("p")
    press("ArrowDown")
    press("p")
    parting = gallery.find(".cotlens-parting")
    expect(parting).to_contain_text("Rollouts 4 and 14 say the same for 18 characters")
    assert parting.locator(".cotlens-quote b").all_text_contents() == ["4 · 16: ", "14 · 16: "]
    press("ArrowRight")
    expect(gallery.find(".cotlens-here")).to_have_text("Let me add first, then take away.")
    press("Enter")
    assert gallery.awaited("open") == [{"kind": "open", "row": 14, "sentence": 1}]
    expect(gallery.find("[role=status]")).to_have_text("Rollout 14 is open in the editor below, at sentence 1.")
    for left in ("11 of 60 rollouts", "12 of 60 rollouts", "60 rollouts"):  # the message, the search, the answer
        gallery.find("[data-region=rows]").press("Escape")
        expect(status).to_have_text(left)


def test_what_was_opened_before_is_one_click_away(gallery: Gallery) -> None:
    gallery.show("rollouts")
    gallery.set("{ opened: [3, 7] }")
    gallery.find(".cotlens-opens").get_by_role("button", name="rollout 3").click()
    assert gallery.awaited("open") == [{"kind": "open", "row": 3, "sentence": -1}]


def test_each_prompt_has_its_own_answers_and_prefixes(gallery: Gallery) -> None:
    gallery.show("rolloutsasked")
    words, asked = gallery.find(".cotlens-treewords"), gallery.find("select[aria-label='which prompt']")
    expect(words).to_contain_text("Choose one prompt")
    expect(gallery.find("[data-region=tree]")).to_be_hidden()
    asked.select_option("1")
    expect(gallery.find(".cotlens-status")).to_have_text("30 rollouts of prompt 1")
    expect(gallery.find(".cotlens-raw")).to_have_text("How many pears has Tom?")
    expect(words).to_contain_text("4 shared prefixes")
    gallery.find("[data-region=rows]").focus()
    gallery.page.keyboard.press("]")
    gallery.page.keyboard.press("]")
    expect(words).to_contain_text(
        "Answers here: 15 in 21, answer not read in 3; of the 6 that part from them: 16 in 6."
    )
    expect(gallery.find(".cotlens-status")).to_have_text("24 of 30 rollouts of prompt 1")
    asked.select_option("")
    expect(gallery.find(".cotlens-status")).to_have_text("90 rollouts of 3 prompts")


@pytest.mark.parametrize("end", ["the kernel ended", "the comm broke"])
def test_without_a_kernel_all_is_read_and_enter_says_why_nothing_opens(gallery: Gallery, end: str) -> None:
    gallery.show("rolloutsgone" if end == "the kernel ended" else "rollouts")
    if end == "the comm broke":
        gallery.model("model.emit('comm:close')")
    gallery.find("[data-region=rows]").focus()
    gallery.page.keyboard.press("ArrowDown")
    expect(gallery.find(".cotlens-raw")).to_contain_text("12 + 7 = 19.")
    gallery.page.keyboard.press("Enter")
    expect(gallery.find("[role=status]")).to_contain_text("There is no kernel behind this map")
    assert gallery.sent("open") == []


def test_what_is_scrolled_is_what_would_be_drawn(gallery: Gallery) -> None:
    gallery.show("rolloutsmany")
    assert gallery.find("[data-region=rows]").evaluate(SCROLLED) == []
    expect(gallery.find(".cotlens-within")).to_contain_text("answer 15   7")


def test_the_editor_goes_to_the_place_that_was_asked_for(gallery: Gallery) -> None:
    gallery.show("shaded")
    token = "model.get('document').sentences.at(-1).first"
    for asked in (1, 2):
        gallery.set(f"{{ place: {{ document: model.get('document').id, token: {token}, asked: {asked} }} }}")
        row = gallery.find(".cotlens-block.cotlens-picked")
        expect(row).to_have_count(1)
        assert gallery.find(".cotlens-in").get_attribute("data-token") == str(gallery.model(token))
        gallery.find("[data-region=text]").press("Escape")
        expect(row).to_have_count(0)
    gallery.set(f"{{ place: {{ document: 'another', token: {token}, asked: 3 }} }}")
    gallery.settle()
    expect(row).to_have_count(0)


def test_an_editor_that_opens_at_a_place_shows_it(gallery: Gallery) -> None:
    """As a notebook draws it: before it has a size, and with more of what is measured arriving afterwards."""
    gallery.show("long1k")
    lines = "{ ...model.get('document'), id: 'lines', text: model.get('document').text.replaceAll('. ', '.\\n') }"
    gallery.set(f"{{ document: {lines} }}")
    token = gallery.model("model.get('document').sentences.at(-9).first")
    gallery.page.evaluate(f"""() => {{
      const stage = document.getElementById('stage'), page = stage.parentNode, {"{ model }"} = window.__cotlens
      stage.remove()
      model.set({{ place: {{ document: 'lines', token: {token}, asked: 1 }} }})
      window.__cotlens.again()
      page.append(stage)
    }}""")
    picked, seen = gallery.find(".cotlens-block.cotlens-picked"), gallery.find("[data-region=text]")
    for _ in range(2):
        gallery.settle()
        gallery.settle()
        row, frame = picked.bounding_box(), seen.bounding_box()
        assert row and frame and frame["y"] <= row["y"] and row["y"] + row["height"] <= frame["y"] + frame["height"]
        gallery.set("{ branches: [...model.get('branches')] }")

"""Every state of every view, in both themes and at three widths, as it opens and once something in it was picked.

Nothing overflows, no text is too weak and no target too small; nothing scrolls sideways but what is wider than any
page, and nothing scrolls inside what scrolls.
"""

import pytest

from tests.gallery.page import Gallery

OVERFLOW = """(root) => { const frame = root.getBoundingClientRect();
  return [...root.querySelectorAll('*')].filter((each) => {
    const box = each.getBoundingClientRect();
    if (box.right <= frame.right + 1 && box.left >= frame.left - 1) return false;
    if (box.width === 0 || getComputedStyle(each).visibility === 'hidden') return false;
    for (let up = each.parentElement; up && up !== root; up = up.parentElement)
      if (/hidden|auto|clip|scroll/.test(getComputedStyle(up).overflowX)) return false;
    return true;
  }).map((each) => each.className); }"""

# Text colour against what lies behind it, translucent layers mixed in order.
CONTRAST = """(root) => {
  const parse = (c) => { const p = c.match(/[\\d.]+/g).map(Number);
    const scale = c.startsWith('color(srgb') ? 255 : 1;
    return [p[0] * scale, p[1] * scale, p[2] * scale, p[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const lin = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const lum = (c) => 0.2126 * lin(c[0]) + 0.7152 * lin(c[1]) + 0.0722 * lin(c[2]);
  const below = new Map([[null, [255, 255, 255, 1]]]), weak = [];
  const ground = (each) => {
    const own = () => parse(getComputedStyle(each).backgroundColor);
    if (!below.has(each)) below.set(each, over(own(), ground(each.parentElement)));
    return below.get(each); };
  for (const each of root.querySelectorAll('*')) {
    const own = [...each.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const style = getComputedStyle(each);
    const gone = style.visibility === 'hidden' || each.getClientRects().length === 0 || each.closest(':disabled');
    if (!own || gone) continue;
    const behind = ground(each);
    const [x, y] = [lum(over(parse(style.color), behind)), lum(behind)].sort((a, b) => a - b);
    const ratio = (y + 0.05) / (x + 0.05);
    if (ratio < 4.45) weak.push([each.className, each.textContent.slice(0, 20), ratio.toFixed(2)]);
  }
  return weak;
}"""

SMALL = """(root) => [...root.querySelectorAll('button, select, input, summary, [role=slider]')]
  .map((each) => [each.className, each.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.height < 23.5 || box.width < 23.5))
  .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""

# A grid of rollouts has a column for each of their sentences.
SIDEWAYS = """(root) => [...root.querySelectorAll('*')].filter((each) => each.clientWidth > 0
  && each.scrollWidth > each.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(each).overflowX)
  && !each.matches('.cotlens-rollouts .cotlens-grid'))
  .map((each) => each.className)"""
NESTED = """(root) => {
  const scrolls = (each) => each.scrollHeight > each.clientHeight + 1
    && /auto|scroll/.test(getComputedStyle(each).overflowY);
  return [...root.querySelectorAll('*')].filter((each) => { if (each.clientHeight === 0 || !scrolls(each)) return false;
    for (let up = each.parentElement; up && up !== root; up = up.parentElement) if (scrolls(up)) return true;
    return false; }).map((each) => each.className); }"""

LOOKS = {"overflow": OVERFLOW, "contrast": CONTRAST, "small": SMALL}
SCROLLS = {"sideways": SIDEWAYS, "nested": NESTED}


def faults(checks: dict[str, str]) -> str:
    """A function of a root that makes several checks: what each found, in one list."""
    named = ", ".join(f"{name}: {check}" for name, check in checks.items())
    return f"""(root) => Object.entries({{ {named} }})
      .flatMap(([name, check]) => check(root).map((found) => `${{name}}: ${{found}}`))"""


# A part of a view, and what a person does there first: nothing is a click, else keys are pressed.
PICKED = {
    ".cotlens-editor [data-token]": (),
    ".cotlens-num": (),
    ".cotlens-features .cotlens-table-body [data-row]": (),
    "[data-region=matrix]": ("ArrowDown",),
    "[data-region=layers]": ("ArrowRight",),
    "[data-region=thoughts]": ("ArrowRight",),
    "[data-region=rows]": ("ArrowDown", "ArrowRight", "p", "ArrowDown", "p", "]"),
}


def pick(gallery: Gallery) -> None:
    """Do in a view what a person does first, where there is anything to do."""
    for selector, keys in PICKED.items():
        part = gallery.page.locator(selector).first
        if part.count():
            part.press(keys[0]) if keys else part.dispatch_event("click")
            for key in keys[1:]:
                gallery.page.keyboard.press(key)
            gallery.settle()
            return


# What fits goes by the width, what contrasts by the theme. The editor is read as it opens; of other views what opens
# beside them is half of what they show.
@pytest.mark.parametrize(("width", "theme"), [(480, "light"), (900, "dark"), (1400, "light")])
def test_every_state_fits_and_can_be_read(gallery: Gallery, theme: str, width: int) -> None:
    gallery.page.set_viewport_size({"width": width + 30, "height": 1300})
    gallery.show("first", theme=theme, width=width)
    for state in gallery.page.evaluate("window.__cotlens.states"):
        gallery.turn(state)
        assert gallery.root.get_attribute("data-cotlens-theme") == theme
        checks = LOOKS | SCROLLS
        if "cotlens-editor" in (gallery.root.get_attribute("class") or ""):
            assert gallery.root.evaluate(faults(LOOKS)) == [], state
            checks = SCROLLS
        pick(gallery)
        assert gallery.root.evaluate(faults(checks)) == [], state
        assert gallery.find(".cotlens-failed").count() == 0, state
    assert gallery.page.evaluate("window.hacked") is None


def test_a_name_of_a_model_leaves_the_branch_and_its_place_to_be_read(gallery: Gallery) -> None:
    gallery.show("shaded", width=1284)
    for name in ("SmolLM2-135M-Instruct-float32-" * 3, "tiny"):
        gallery.set(f"{{ head: {{ ...model.get('head'), model: '{name}', where: 'local · CPU' }} }}")
        for chip in gallery.find(".cotlens-chip[aria-current] > span").all():
            assert chip.evaluate("each => each.scrollWidth <= each.clientWidth"), chip.inner_text()
        assert gallery.find(".cotlens-where").evaluate("each => each.scrollWidth <= each.clientWidth"), name

"""How fast the views are in Chromium: the editor at growing sizes and on one endless line, large matrix and map.

Run by `make bench`, or alone: `python -m tests.benchmarks.browser_bench`. Times are those of the page's main thread
in milliseconds, layout included; "open" and "recolour" include the next painted frame.
"""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

import hatch_build
from tests.chromium import launched

ROOT = Path(__file__).resolve().parents[2]
SIZES = {
    "long1k": "1,000 tokens",
    "long10k": "10,000 tokens",
    "long50k": "50,000 tokens",
    "line": "one line, 10,000 characters",
}
GOALS = {"open": 1000, "recolour": 100, "scroll": 16, "key": 16, "select": 100, "recolour a grid": 16}

PAINTED = "const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"

OPEN = f"""async (state) => {{ {PAINTED}
  window.__cotlens.show(state); await painted(); return [performance.now() - window.__cotlens.started]; }}"""

RECOLOUR = f"""async () => {{ {PAINTED}
  const model = window.__cotlens.model, times = [];
  for (let round = 0; round < 7; round += 1) {{
    const values = new Float32Array(model.get('document').n_tokens).map((_, i) => Math.sin(i * (round + 1)) * 2);
    const start = performance.now();
    model.set({{ shading_values: new DataView(values.buffer) }});
    await painted();
    times.push(performance.now() - start);
  }}
  return times; }}"""

# What was picked in another widget: from the trait's change to the painted frame that shows it.
SELECT = f"""async () => {{ {PAINTED}
  const model = window.__cotlens.model, {{ n_tokens: n, id: trace }} = model.get('document'), times = [];
  for (let round = 1; round < 12; round += 1) {{
    const first = Math.floor(n * ((round * 0.37) % 1) * 0.9) + 40;
    const start = performance.now();
    model.set({{ selected: {{ trace, span: [first, first + 12], unit: 'span' }} }});
    await painted();
    times.push(performance.now() - start);
  }}
  return times; }}"""

# One frame: from the first callback of the frame to the end of layout after the view has drawn.
SCROLL = """async (region) => {
  const text = document.querySelector(`[data-region=${region}]`), times = [];
  for (let step = 0; step < 60; step += 1) {
    await new Promise((done) => {
      let start;
      requestAnimationFrame(() => { start = performance.now(); });
      text.scrollTop += step % 20 === 19 ? text.scrollHeight / 4 : 300;
      text.dispatchEvent(new Event('scroll'));
      requestAnimationFrame(() => { text.getBoundingClientRect(); times.push(performance.now() - start); done(); });
    });
  }
  return times; }"""

TYPE = """async () => {
  const content = document.querySelector('.cm-content'), times = [];
  for (let step = 0; step < 30; step += 1) {
    const start = performance.now();
    document.execCommand('insertText', false, 'x');
    await Promise.resolve();
    content.getBoundingClientRect();
    times.push(performance.now() - start);
    await new Promise((done) => requestAnimationFrame(done));
  }
  return times; }"""

# One category alone keeps its colour, one after the other.
ALONE = f"""async () => {{ {PAINTED}
  const times = [];
  for (const kind of document.querySelectorAll('[data-category]')) {{
    const start = performance.now();
    kind.click();
    await painted();
    times.push(performance.now() - start);
  }}
  return times; }}"""

# A step of the intensity: all cells are made anew at once, and drawn in the next frame.
SHADE = """async () => {
  const range = document.querySelector('.cotlens-lensgrid input[type=range]'), times = [];
  for (let i = 0; i < 40; i += 1) {
    await new Promise((done) => {
      let start;
      requestAnimationFrame(() => { start = performance.now(); });
      const begun = performance.now();
      range.value = String((i % 20) / 20);
      range.dispatchEvent(new Event('input'));
      const made = performance.now() - begun;
      requestAnimationFrame(() => { times.push(made + performance.now() - start); done(); });
    });
  }
  return times; }"""

# Over a matrix of 300 sentences: one frame in which it is scrolled and pointed at, drawing included.
POINT = """async () => {
  const grid = document.querySelector('[data-region=matrix]'), box = grid.getBoundingClientRect(), times = [];
  for (let i = 0; i < 60; i += 1) {
    await new Promise((done) => {
      let start;
      requestAnimationFrame(() => { start = performance.now(); });
      grid.scrollTop = 12 * i;
      const at = { clientX: box.left + 60 + 3 * i, clientY: box.top + 60 + 2 * i, bubbles: true };
      grid.dispatchEvent(new PointerEvent('pointermove', at));
      requestAnimationFrame(() => { grid.getBoundingClientRect(); times.push(performance.now() - start); done(); });
    });
  }
  return times; }"""


def middle(times: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def measure(page: Page, state: str) -> dict[str, list[float]]:
    """Times in ms of every action on one payload."""
    times = {"open": [page.evaluate(OPEN, state)[0] for _ in range(3)]}
    times["recolour"] = page.evaluate(RECOLOUR)
    times["select"] = page.evaluate(SELECT)
    times["scroll"] = page.evaluate(SCROLL, "text")
    page.locator("[data-region=text]").evaluate("(each) => { each.scrollTop = each.scrollHeight / 2 }")
    page.wait_for_timeout(100)
    page.locator(".cotlens-thought [data-token]:visible").nth(20).click()
    page.keyboard.press("Enter")
    page.locator(".cm-content").wait_for()
    page.wait_for_timeout(200)
    times["key"] = page.evaluate(TYPE)
    return times


def pointing(page: Page) -> list[float]:
    """Times in ms of a frame of the pair matrix, zoomed in."""
    page.evaluate("() => window.__cotlens.show('pairslarge')")
    page.locator("[data-zoom='2']").click()
    return page.evaluate(POINT)


def mapping(page: Page) -> dict[str, list[float]]:
    """Times in ms of the map of 1,000 rollouts of 200 sentences."""
    times = {"open": [page.evaluate(OPEN, "rolloutsmany")[0] for _ in range(3)]}
    times["scroll"] = page.evaluate(SCROLL, "rows")
    times["recolour"] = page.evaluate(ALONE)
    return times


def rows() -> list[dict[str, Any]]:
    """A row per size, and one each for matrix, grid of layers, map of rollouts: median and 95th percentile, in ms."""
    out = []
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        hatch_build.run("node", ["build.mjs", "--gallery", folder], ROOT / "widgets")
        page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=1)
        page.goto(f"{(Path(folder) / 'index.html').as_uri()}#state=first&bare")
        for state, name in SIZES.items():
            times = measure(page, state)
            row: dict[str, Any] = {"what": name}
            row |= {action: middle(each) for action, each in times.items()}
            out.append(row)
        out.append({"what": "pair matrix, 300 sentences", "scroll": middle(pointing(page))})
        page.evaluate("() => window.__cotlens.show('lenslarge')")
        shaded = middle(page.evaluate(SHADE))
        out.append({"what": "lens grid, 40 layers x 400 sentences, twice", "recolour a grid": shaded})
        mapped = {action: middle(each) for action, each in mapping(page).items()}
        out.append({"what": "1,000 rollouts of 200 sentences", **mapped})
    return out


def main() -> None:
    """Print the table."""
    print("Views in Chromium: share of the goal that the median takes (median; 95th percentile, ms)\n")
    print("| what |" + "".join(f" {action}, goal {goal} ms |" for action, goal in GOALS.items()))
    print("| --- |" + " ---: |" * len(GOALS))
    for row in rows():
        cells = (
            f"{row[a][0] / goal:.2f} ({row[a][0]:.1f}; {row[a][1]:.1f})" if a in row else ""
            for a, goal in GOALS.items()
        )
        print(f"| {row['what']} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""From a move of the slider to the first changed token, on Abacus: in the kernel, and in Chromium in JupyterLab.

Run alone: `python -m tests.benchmarks.steering [--browser]`. The other side of the kernel's time is the plain way:
write the thought again under the vector until a token differs.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import cotlens as cl
from tests.benchmarks.table import Row, printed

PROMPT = (
    "Ravi has 16 shells. He finds 28 more shells. It is a sunny day. He gives away 15 shells. "
    "Then he loses 12 shells. How many shells does Ravi have?"
)
GOAL = "under 200 ms"
SETUP = f"""
import numpy as np, cotlens as cl
model = cl.load("abacus")
trace = model.reason({PROMPT!r}, seed=0)
values = np.random.default_rng(0).standard_normal(128)
vector = cl.steering.given(values, 1, name="push", model=model, traces=[trace])
panel = cl.SteeringPanel(model, trace, vector)
panel.wait()
panel
"""
# Milliseconds from the slider's event until a new token is painted.
SLIDE = """async ([root, value]) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const slider = root.querySelector('[data-dial="0"]'), began = performance.now();
  slider.value = String(value);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  while (!root.querySelector('.cotlens-streaming .cotlens-come')) await painted();
  return performance.now() - began; }"""


def first_changed_token(repeats: int = 9) -> list[Row]:
    """Median time in the kernel from the message to the trait that shows the first changed token."""
    model = cl.load("abacus")
    trace = model.reason(PROMPT, seed=0)
    values = np.random.default_rng(0).standard_normal(128)
    vector = cl.steering.given(values, 1, name="push", model=model, traces=[trace])
    panel = cl.SteeringPanel(model, trace, vector)
    panel.wait()
    ours, theirs = [], []
    for number in range(repeats):
        coefficient = 0.5 + 0.02 * number
        ours.append(_slide(panel, number, coefficient))
        theirs.append(_written_plainly(panel, coefficient))
    other = "write the thought again under the vector until a token differs"
    return [Row("slider to first changed token", median(ours), median(theirs), other, GOAL)]


def _slide(panel: Any, number: int, coefficient: float) -> float:
    shown, times = threading.Event(), list[float]()

    def note(change: dict[str, Any]) -> None:
        if change["new"] and not times:
            times.append(time.perf_counter())
            shown.set()

    panel.view.observe(note, "stream")
    dials = [{**panel.view.current["dials"][0], "coefficient": coefficient}]
    began = time.perf_counter()
    panel._on_message(panel.view, {"request_id": number, "kind": "steer", "dials": dials})
    assert shown.wait(60), panel.error
    panel.view.unobserve(note, "stream")
    panel.wait(120)
    assert panel.steered is not None and panel.steered != panel.trace
    return times[0] - began


def _written_plainly(panel: Any, coefficient: float) -> float:
    """Seconds until the plain rerun from the thought's first token has written the token that the panel found."""
    (steering,) = panel.run.steerings
    assert steering.coefficient == coefficient
    start, at = panel.trace.roles["thought"].start, panel.steered.rewritten_from
    began = time.perf_counter()
    cl.steering.rewrite(panel.model, panel.trace, [steering], at=start, temperature=0.0, max_new_tokens=at - start + 1)
    return time.perf_counter() - began


def in_chromium(repeats: int = 9) -> list[float]:
    """Milliseconds in a real JupyterLab, one per move of the slider."""
    from tests.browser.notebook import Notebook, write
    from tests.browser.server import Lab
    from tests.chromium import launched

    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        lab = Lab(Path(folder))
        try:
            write(lab.folder / "slide.ipynb", [SETUP])
            page = browser.new_page(viewport={"width": 1400, "height": 1000}, device_scale_factor=1)
            nb = Notebook(page, lab.url, "slide.ipynb", lab.token, workspace="slide")
            nb.run_all()
            root = page.locator(".cotlens-steering").element_handle()
            times = []
            for number in range(repeats):
                times.append(page.evaluate(SLIDE, [root, 0.5 + 0.05 * number]))
                assert nb.value("panel.wait(120)") is True
            return times
        finally:
            lab.stop()


def main() -> None:
    """Print the kernel's table, and the browser's times if asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.steering")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--browser", action="store_true", help="measure in JupyterLab in Chromium, too")
    asked = parser.parse_args()
    print(printed(first_changed_token(asked.repeats)), flush=True)
    if asked.browser:
        times = sorted(in_chromium(asked.repeats))
        print(f"in Chromium: median {median(times):.0f} ms, largest {times[-1]:.0f} ms; goal {GOAL}")


if __name__ == "__main__":
    main()

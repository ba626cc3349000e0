"""Encoding a long trace with a large autoencoder, beside SAELens on the same activations; and the table in Chromium.

Run by `make bench`, or alone: `python -m tests.benchmarks.features`. Times are those of the processor. Memory is the
growth of the process's high-water mark while a fresh process encodes, over what it holds once activations and weights
are there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.table import Row, printed

TOKENS, LATENTS, WIDTH, ACTIVE = 10_000, 65_536, 128, 32
ROOT = Path(__file__).resolve().parents[2]
GIGABYTE = 2**30
OPENED_MS = 300
STATES = {"featureslarge": "20,000 active latents", "featuresall": "131,072 active latents"}

# Everything happens in a process of its own, so that its high-water mark is that of one encoding.
CHILD = f"""
import json, resource, sys, time
import numpy as np, torch
from sae_lens import SAE as Theirs
from cotlens.measure.features import load_sae
from cotlens.measure.features.encoded import encode_activations

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
torch.manual_seed(0)
hook = {{"hook_name": "blocks.1.hook_resid_post", "model_name": "", "sae_lens_version": "6.54.12"}}
settings = {{"architecture": "topk", "k": {ACTIVE}, "d_in": {WIDTH}, "d_sae": {LATENTS}, "dtype": "float32",
            "device": "cpu", "metadata": hook}}
theirs = Theirs.from_dict(settings)
with torch.no_grad():
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
ours = load_sae(theirs)
x = np.random.default_rng(0).normal(size=({TOKENS}, {WIDTH})).astype(np.float32)
ours.encode(x[:64])
with torch.no_grad():
    theirs.encode(torch.from_numpy(x[:64]))
before, began = peak(), time.process_time()
if sys.argv[1] == "ours":
    found = encode_activations(ours, x).latents
    indices = found.index[-{ACTIVE}:].tolist()
elif sys.argv[1] == "ours, encode alone":
    indices = ours.encode(x).index[-{ACTIVE}:].tolist()
else:
    # Rows at a time: the dense latents of the whole trace would take 2.6 GB.
    with torch.no_grad():
        for start in range(0, {TOKENS}, 512):
            acts = theirs.encode(torch.from_numpy(x[start : start + 512]))
            rows, index = acts.nonzero(as_tuple=True)
    indices = index[-{ACTIVE}:].tolist()
print(json.dumps({{"seconds": time.process_time() - began, "bytes": peak() - before, "last": indices}}))
"""


def encoded(who: str) -> dict[str, Any]:
    """Seconds and bytes of one encoding, and the latents of the last token."""
    ran = subprocess.run([sys.executable, "-c", CHILD, who], capture_output=True, text=True, cwd=ROOT, check=True)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def encoding(rounds: int = 1) -> list[Row]:
    """Our encoding beside SAELens', in turn, each in a fresh process."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(encoded("ours, encode alone"))
        theirs.append(encoded("theirs"))
    assert ours[-1]["last"] == theirs[-1]["last"], "both must find the same latents"
    whole = encoded("ours")
    assert whole["bytes"] < 2 * GIGABYTE
    name = f"latents of {TOKENS:,} tokens, {LATENTS:,} wide, {whole['bytes'] / GIGABYTE:.2f} GB above SAE and text"
    middle = sorted(each["seconds"] for each in ours)[rounds // 2]
    other = sorted(each["seconds"] for each in theirs)[rounds // 2]
    return [Row(name, middle, other, "SAELens encode, 512 rows at a time", "not slower; under 2 GB")]


OPEN = """async (state) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  window.__cotlens.show(state); await painted(); return performance.now() - window.__cotlens.started; }"""


def opening(rounds: int = 5) -> dict[str, float]:
    """Median milliseconds from the payload to the painted table, per state."""
    import hatch_build
    from tests.chromium import launched

    times = {}
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        hatch_build.run("node", ["build.mjs", "--gallery", folder], ROOT / "widgets")
        page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=1)
        page.goto(f"{(Path(folder) / 'index.html').as_uri()}#state=features&bare")
        for state in STATES:
            taken = sorted(page.evaluate(OPEN, state) for _ in range(rounds))
            times[state] = taken[rounds // 2]
    return times


def opened() -> None:
    """Print how soon the table is there."""
    print(f"Feature table in Chromium, goal {OPENED_MS} ms for 20,000 active latents")
    print("\n| what | open, ms |\n| --- | ---: |")
    for state, taken in opening().items():
        print(f"| {STATES[state]} | {taken:.0f} |", flush=True)


def main() -> None:
    """Print both tables."""
    print(printed(encoding()) + "\n", flush=True)
    opened()


if __name__ == "__main__":
    main()

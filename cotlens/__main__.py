"""The command ``cotlens``: ``cotlens lab`` opens the notebooks in JupyterLab, ``cotlens export`` makes a page of one.

From an installed package the notebooks are copied to a folder of yours first; a file that is already there is never
overwritten. In a checkout of the repository ``notebooks/`` itself is opened.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import cotlens
from cotlens._core.errors import CotLensError

FIRST = "quickstart.ipynb"
PACKAGE = Path(cotlens.__file__).parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit status."""
    parser = argparse.ArgumentParser(prog="cotlens", description="Investigate chains of thought in Jupyter.")
    parser.add_argument("--version", action="version", version=f"cotlens {cotlens.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    lab.add_argument("--dir", type=Path, help="folder for your copies of the notebooks (default: ./cotlens-notebooks)")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    lab.add_argument("--port", type=int, help="port to listen on (default: 8888 or the next free one)")
    export = commands.add_parser("export", help="make one HTML file of a notebook; it asks nothing of the network")
    export.add_argument("notebook", type=Path)
    export.add_argument("--output", type=Path, help="the file to write (default: beside the notebook)")
    options = parser.parse_args(argv)
    if options.command == "export":
        return exported(parser, options.notebook, options.output)
    try:
        folder = prepare(options.dir)
    except OSError as error:
        parser.exit(2, f"cotlens lab: the notebooks can't be put there: {error}. Name another folder with --dir.\n")
    return serve(folder, browser=not options.no_browser and has_display(), port=options.port)


def exported(parser: argparse.ArgumentParser, notebook: Path, output: Path | None) -> int:
    """Export a notebook and say where it is."""
    from cotlens.export import to_html

    try:
        print(to_html(notebook, output))
    except CotLensError as error:
        parser.exit(2, f"cotlens export: {error}\n")
    return 0


def prepare(folder: Path | None) -> Path:
    """Return the folder to open, with the notebooks in it. Files that exist are kept as they are."""
    source = notebooks()
    if folder is None and source != PACKAGE / "_notebooks":
        return source
    target = (folder or Path("cotlens-notebooks")).resolve()
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(p for p in source.rglob("*") if p.is_file() and ".ipynb_checkpoints" not in p.parts):
        copy = target / path.relative_to(source)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        elif copy.read_bytes() != path.read_bytes():
            print(f"kept as it is: {copy}", flush=True)
    return target


def notebooks() -> Path:
    """Where the notebooks are: ``notebooks/`` in a checkout, inside the package once installed."""
    checkout = PACKAGE.parent / "notebooks"
    return checkout if (PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir() else PACKAGE / "_notebooks"


def has_display() -> bool:
    """Whether a browser can open here. Not without a screen, and not as root, whom browsers refuse."""
    if is_root():
        return False
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_root() -> bool:
    """Whether this process runs as root (never on Windows)."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def serve(folder: Path, *, browser: bool, port: int | None) -> int:
    """Run JupyterLab on ``folder`` until it is stopped; the token is JupyterLab's own."""
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--LabApp.news_url=None",  # no question about news before the first cell, and no request to the network
    ]
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not browser:
        arguments.append("--no-browser")
        print("Open the address below, token included, in a browser. Ctrl+C stops JupyterLab.", flush=True)
    if is_root():
        arguments.append("--allow-root")
    LabApp.launch_instance(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command ``cotlens``: ``cotlens lab`` opens the notebooks in JupyterLab, ``cotlens export`` makes a page of one,
``cotlens survey`` runs a plan.

``cotlens lab --chapter 3`` opens a chapter of the course. From an installed package notebooks and tutorials are copied
to a folder of yours first; a file that is already there is never overwritten. In a checkout of the repository
``notebooks/`` and ``tutorials/`` themselves are opened.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import cotlens
from cotlens._core.errors import CotLensError, InputError
from cotlens._core.optional import need

FIRST = "notebooks/quickstart.ipynb"
FOLDERS = ("notebooks", "tutorials")
PACKAGE = Path(cotlens.__file__).parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit status."""
    parser = argparse.ArgumentParser(prog="cotlens", description="Investigate chains of thought in Jupyter.")
    parser.add_argument("--version", action="version", version=f"cotlens {cotlens.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser("lab", help="open notebooks and tutorials in JupyterLab")
    lab.add_argument("--dir", type=Path, help="folder for your copies (default: ./cotlens-notebooks)")
    lab.add_argument("--chapter", type=int, help="open this chapter of the course instead of the quickstart")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    lab.add_argument("--port", type=int, help="port to listen on (default: 8888 or the next free one)")
    export = commands.add_parser("export", help="make one HTML file of a notebook; it asks nothing of the network")
    export.add_argument("notebook", type=Path)
    export.add_argument("--output", type=Path, help="the file to write (default: beside the notebook)")
    survey = commands.add_parser("survey", help="run a survey's plan; every finished cell is kept at once")
    survey.add_argument("plan", type=Path)
    survey.add_argument("--cost", action="store_true", help="say what it costs, and run nothing")
    survey.add_argument("--workers", type=int, help="how many at once (default: 1, on Ray one per GPU or core)")
    survey.add_argument("--ray", nargs="?", const=True, default=False, help="on Ray; at this address, or here")
    survey.add_argument("--retries", type=int, default=2, help="of cells whose worker died or whose server failed")
    survey.add_argument("--store", type=Path, help="the store's file (default: that of all rollouts)")
    survey.add_argument("--output", type=Path, help="a file for the table (default: beside the plan, .result.json)")
    options = parser.parse_args(argv)
    if options.command == "survey":
        return surveyed(parser, options)
    if options.command == "export":
        return exported(parser, options.notebook, options.output)
    try:
        need("jupyterlab", "`cotlens lab`", "lab")
        folder = prepare(options.dir)
        first = FIRST if options.chapter is None else chapter(folder, options.chapter)
    except OSError as error:
        parser.exit(2, f"cotlens lab: the notebooks can't be put there: {error}. Name another folder with --dir.\n")
    except CotLensError as error:
        parser.exit(2, f"cotlens lab: {error}\n")
    return serve(folder, first, browser=not options.no_browser and has_display(), port=options.port)


def exported(parser: argparse.ArgumentParser, notebook: Path, output: Path | None) -> int:
    """Export a notebook and say where it is."""
    from cotlens.export import to_html

    try:
        print(to_html(notebook, output))
    except CotLensError as error:
        parser.exit(2, f"cotlens export: {error}\n")
    return 0


def surveyed(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Say what a plan costs, run it, and save its table; 1 where cells failed."""
    try:
        plan = cotlens.survey(options.plan)
        print(plan, plan.cost().to_string(index=False), sep="\n", flush=True)
        if options.cost:
            return 0
        found = plan.run(workers=options.workers, ray=options.ray, retries=options.retries, store=options.store)
        output = options.output or options.plan.with_suffix(".result.json")
        found.table().save(output)
    except CotLensError as error:
        parser.exit(2, f"cotlens survey: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "cotlens survey: stopped; what was finished is in the store, and the same command goes on.\n")
    print(f"{found!r}\n{output}")
    return 1 if found.failures else 0


def prepare(folder: Path | None) -> Path:
    """Return the folder to open, with notebooks and tutorials in it. Files that exist are kept as they are."""
    source = material()
    if folder is None and source != PACKAGE / "_lab":
        return source
    target = (folder or Path("cotlens-notebooks")).resolve()
    target.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        for path in sorted(p for p in (source / name).rglob("*") if p.is_file() and is_material(p)):
            bring(path, target / path.relative_to(source))
    return target


def is_material(path: Path) -> bool:
    """Whether a file belongs to the material: neither an editor's own copy nor what Python makes of a source."""
    return not {".ipynb_checkpoints", "__pycache__"} & set(path.parts)


def bring(path: Path, copy: Path) -> None:
    """Copy a file to where none is."""
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    elif copy.read_bytes() != path.read_bytes():
        print(f"kept as it is: {copy}", flush=True)


def chapter(folder: Path, number: int) -> str:
    """The notebook of a chapter, from the folder that is opened.

    Raises:
        InputError: there is no such chapter.
    """
    known = {int(path.name.split("_")[0]): path for path in sorted((folder / "tutorials").glob("[1-9]_*.ipynb"))}
    if number not in known:
        raise InputError(f"There is no chapter {number}. Choose one of {', '.join(map(str, known))}.")
    return known[number].relative_to(folder).as_posix()


def material() -> Path:
    """Where notebooks and tutorials are: the checkout, or inside the package once installed."""
    checkout = PACKAGE.parent
    whole = (checkout / "pyproject.toml").is_file() and all((checkout / name).is_dir() for name in FOLDERS)
    return checkout if whole else PACKAGE / "_lab"


def has_display() -> bool:
    """Whether a browser can open here. Not without a screen, and not as root, whom browsers refuse."""
    if is_root():
        return False
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_root() -> bool:
    """Whether this process runs as root (never on Windows)."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def serve(folder: Path, first: str, *, browser: bool, port: int | None) -> int:
    """Run JupyterLab on ``folder``, at its notebook ``first``, until it is stopped; the token is JupyterLab's own."""
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.news_url=None",  # no question about news before the first cell, and no request to the network
        # What it exports as HTML shows the views that a notebook keeps, and fetches nothing to draw them.
        "--HTMLExporter.preprocessors=cotlens.export.exporters.StaticViews",
    ]
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not browser:
        arguments.append("--no-browser")
        print("Open the address below, token included, in a browser. Ctrl+C stops JupyterLab.", flush=True)
    if is_root():
        arguments.append("--allow-root")
    # A saved notebook is to be read without a kernel: it keeps its widgets, unless a reader's settings say otherwise.
    known = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [known, str(PACKAGE / "_lab")]))
    LabApp.launch_instance(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

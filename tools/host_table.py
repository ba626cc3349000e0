"""The table of notebooks and pages that CoTLens was tried in, with the versions that are installed here.

python tools/host_table.py            # print the table
python tools/host_table.py --write    # put it into README.md, between its markers
"""

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- hosts: tools/host_table.py -->", "<!-- /hosts -->"


@dataclass(frozen=True)
class Host:
    """A place that widgets are shown in.

    Args:
        packages: whose versions stand in the table; none where the host can't be run by the tests.
        how: what was done there.
        tests: "file::test", or a file or folder of tests that do it.
    """

    name: str
    packages: tuple[str, ...]
    how: str
    tests: tuple[str, ...]


HOSTS = (
    Host("JupyterLab", ("jupyterlab", "ipywidgets"), "in Chromium: whole investigations", ("tests/browser",)),
    Host(
        "JupyterLab, a notebook opened again without its kernel",
        ("jupyterlab", "jupyterlab_widgets"),
        "in Chromium: read from the state that `cotlens lab` saves in it",
        ("tests/browser/test_lost_kernel.py::test_a_saved_widget_in_a_notebook_that_is_opened_again",),
    ),
    Host(
        "Jupyter Notebook",
        ("notebook",),
        "in Chromium: point, keys, edit, answer",
        ("tests/browser/test_hosts.py::test_notebook_7",),
    ),
    Host("marimo", ("marimo",), "in Chromium: the same", ("tests/browser/test_hosts.py::test_marimo",)),
    Host(
        "a page of `to_html`, of `cotlens export` or `jupyter nbconvert --to cotlens`, HTML that `cotlens lab` exports",
        ("nbconvert",),
        "in Chromium, from disk, the network forbidden",
        ("tests/gallery/every_view/test_saved_page.py", "tests/packaging/test_export.py"),
    ),
    Host(
        "what shows text, Markdown or a table alone: a code host, a terminal, an agent",
        ("nbconvert", "nbclient"),
        "the words of every widget, in a page of nbconvert and in a kernel",
        ("tests/unit/workbench/test_every_widget.py", "tests/notebooks/test_driving.py"),
    ),
    Host(
        "VS Code, Colab",
        (),
        "not run; what they ask of a widget is: their themes, no way between models, no network, one script for all "
        "views of a kind",
        ("tests/gallery/every_view/test_page.py", "tests/unit/widgets/test_scripts.py"),
    ),
)


def table() -> str:
    """The table in Markdown."""
    lines = [("host", "version", "tried", "by"), ("---",) * 4]
    for host in HOSTS:
        versions = ", ".join(f"{name} {version(name)}" for name in host.packages)
        lines.append((host.name, versions, host.how, ", ".join(f"`{test}`" for test in host.tests)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_readme(text: str) -> str | None:
    """The table that a README holds between the markers, None where they aren't there."""
    _, begin, rest = text.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    return inside.strip() if begin and end else None


def main() -> None:
    """Print the table, or write it."""
    if "--write" not in sys.argv[1:]:
        print(table())
        return
    text = README.read_text(encoding="utf-8")
    if in_readme(text) is None:
        raise SystemExit(f"README.md has no place for the table: put {BEGIN} and {END} on lines of their own.")
    head, tail = text.split(BEGIN)[0], text.split(END, 1)[1]
    README.write_text(f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()

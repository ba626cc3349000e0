"""How notebooks are run: in a kernel that is emptied between them, with fewer rollouts than a reader waits for."""

import os
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient

from tests.remote.loopback import KEY

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# What takes minutes because it is asked often, and how often it is asked here: every cell runs all the same.
SMALLER = {
    "backends": {"Resampling(n=20)": "Resampling(n=6)"},
    "faithfulness": {
        "problems(20,": "problems(6,",
        "Battery().run(model, problems, n=20)": "Battery().run(model, problems, n=6)",
    },
    "importance": {"(n=24)": "(n=8)", "half_width=0.14": "half_width=0.3"},
    "steering": {"seeds=16, controls=8": "seeds=3, controls=2"},
}
# The kernel as it began, but for what is imported: widgets are closed, and so is their work. Then it goes to a folder.
FORGET = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().reset(new_session=True)
__import__("os").chdir({folder!r})
"""


def smaller(path: Path) -> Any:
    """The notebook at `path`, which is asked less often."""
    notebook = nbformat.read(path, as_version=4)
    for what, instead in SMALLER.get(path.stem, {}).items():
        assert any(what in cell.source for cell in notebook.cells), f"{path.name} holds no {what}"
        for cell in notebook.cells:
            cell.source = cell.source.replace(what, instead)
    return notebook


class Kernel:
    """A kernel that runs one notebook after the other."""

    def __enter__(self) -> "Kernel":
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env={**os.environ, "PYTHONPATH": str(ROOT), "NDIF_API_KEY": KEY})
        return self

    def __exit__(self, *raised: object) -> None:
        self.manager.shutdown_kernel(now=True)

    def run(self, notebook: Any, folder: Path = ROOT / "notebooks") -> None:
        """Run every cell in a folder; one that raises fails the test with its traceback."""
        notebook.cells.insert(0, nbformat.v4.new_code_cell(FORGET.format(folder=str(folder))))
        NotebookClient(notebook, timeout=600, km=self.manager).execute()
        del notebook.cells[0]

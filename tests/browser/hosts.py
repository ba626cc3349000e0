"""Other notebooks than JupyterLab: each is started by its own command, on a folder with one file."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.server import environment, free_port

TOKEN = "given-to-the-page"
CONFIG = '{"JupyterNotebookApp": {"expose_app_in_browser": true}}'


@contextmanager
def notebook7(home: Path, name: str) -> Iterator[str]:
    """Jupyter Notebook 7; the address of the notebook `name` in it."""
    config = home / "config"
    config.mkdir()
    (config / "jupyter_notebook_config.json").write_text(CONFIG)
    port = free_port()
    command = ["notebook", "--no-browser", "--allow-root", f"--port={port}", f"--ServerApp.root_dir={home}"]
    with served(command, f"http://127.0.0.1:{port}/api", environment(home, config, TOKEN), home):
        yield f"http://127.0.0.1:{port}/notebooks/{name}?token={TOKEN}"


@contextmanager
def marimo(home: Path, name: str) -> Iterator[str]:
    """marimo's editor on the file `name`, which runs when it is opened; its address."""
    port = free_port()
    command = ["marimo", "-q", "edit", name, "--headless", "--no-token", "--skip-update-check", f"--port={port}"]
    env = environment(home, home, TOKEN) | {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    with served(command, f"http://127.0.0.1:{port}/health", env, home):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def served(command: list[str], answers: str, env: dict[str, str], home: Path, seconds: float = 240) -> Iterator[None]:
    """A server while it is needed, from the moment it answers."""
    log = home / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=home, env=env, stdout=out, stderr=out)
    try:
        end = time.monotonic() + seconds
        while not answered(answers):
            assert process.poll() is None and time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(30)


def answered(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False

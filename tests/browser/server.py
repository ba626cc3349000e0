"""JupyterLab for the tests, started by the command a user types: `cotlens lab`."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# How the JupyterLab of the tests differs from a newcomer's: every cell stays in the page, and nothing pops up.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


class Lab:
    """A running JupyterLab.

    Attributes:
        folder: what it serves; a copy of notebooks/ to begin with. Write a file here to open it.
        url: its address without the token, e.g. "http://127.0.0.1:40411".
        token: what its address needs.
        log: the file with what it printed.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "notebooks"
        self.log = home / "lab.log"
        self.token = secrets.token_hex(16)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = home / "config"
        write_settings(config)
        self._log = self.log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cotlens", "lab", "--dir", str(self.folder), "--no-browser", "--port", str(port)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment(home, config, self.token),
        )
        self._wait()

    def _wait(self, seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.api("api/status")
                return
            except OSError:
                time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start: {self.printed()[-2000:]}")

    def api(self, path: str, method: str = "GET") -> object:
        """Ask the server's REST interface; returns the JSON it answers, None for an empty answer."""
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def stop_kernel(self, path: str) -> None:
        """End the session of a notebook and its kernel."""
        for session in self.api("api/sessions"):
            if session["path"] == path:
                self.api(f"api/sessions/{session['id']}", "DELETE")

    def printed(self) -> str:
        """What the server printed so far."""
        return self.log.read_text()

    def stop(self) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def environment(home: Path, config: Path, token: str) -> dict[str, str]:
    """The environment of the server: the repository importable, nothing of the user's own Jupyter settings."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(config / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }


def write_settings(config: Path) -> None:
    """Write SETTINGS, and let the page reach the application as `window.jupyterapp`."""
    for name, values in SETTINGS.items():
        path = config / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    (config / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def slug(text: str) -> str:
    """`text` as a file name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")

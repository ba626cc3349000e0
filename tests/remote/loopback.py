"""A loopback NDIF server in its own process, with tiny models and Abacus behind it."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from functools import cache
from pathlib import Path

import cotlens as cl
from cotlens import organisms
from tests.model import tiny

KEY = "a-key-that-nobody-may-see"
FAMILIES = ("qwen3", "gemma3")


class Loopback:
    """The server as the tests see it.

    Attributes:
        host: its address; folders: name of a model -> folder with its files.
    """

    def __init__(self, host, folders):
        self.host, self.folders = host, folders

    def model(self, family, name=None, **options):
        """The NDIF model of a family, or Abacus."""
        options = {"store": False, "files": self.folders[family], **options}
        return cl.load(name or f"tiny/{family}", backend="ndif", host=self.host, **options)

    def set(self, **state):
        """Change its state, `faults=[...]` above all."""
        body = json.dumps(state).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.host}/faults", data=body)).read()

    def seen(self):
        """What has arrived."""
        return json.load(urllib.request.urlopen(f"{self.host}/seen"))


@cache
def served():
    """The server, which runs as long as the tests do."""
    home = tempfile.TemporaryDirectory(prefix="loopback")
    atexit.register(home.cleanup)
    pairs = {family: tiny.pair(family) for family in FAMILIES} | {"abacus": organisms.load_pair("abacus")}
    folders = {}
    for family, pair in pairs.items():
        folders[family] = Path(home.name) / family
        for part in pair:
            part.save_pretrained(folders[family])
    arguments = [f"tiny/{family}={folder}" for family, folder in folders.items()]
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("ndif_server.py")), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    atexit.register(_stopped, process)
    port = process.stdout.readline().strip()
    assert port, "the server did not start"
    return Loopback(f"http://127.0.0.1:{port}", folders)


def _stopped(process):
    process.terminate()
    process.wait(60)
    process.stdout.close()

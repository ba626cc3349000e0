"""A Ray cluster of two cores on this machine, in processes of its own, and the end of them."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
STARTS, PATIENCE_S = 3, 90  # Ray gives its processes 30 s to start, which a busy machine may not keep
READY = "Ray runtime started"


class Cluster:
    """Its address, and its processes."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        flags = ["--head", "--block", f"--port={self.address.split(':')[1]}", "--num-cpus=2", "--disable-usage-stats"]
        flags += ["--include-dashboard=false", "--include-log-monitor=false", "--no-monitor"]
        flags += ["--object-store-memory=100000000"]  # texts are all that travels
        with log.open("w") as said:
            command = [sys.executable, "-m", "ray.scripts.scripts", "start", *flags]
            self._main = psutil.Popen(command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **ENVIRONMENT})
        self.ready = self._awaited(log)

    def _awaited(self, log: Path) -> bool:
        until = time.monotonic() + PATIENCE_S
        while READY not in log.read_text():
            if self._main.poll() is not None or time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def workers(self) -> list[psutil.Process]:
        """The processes that hold a survey's workers."""
        return [process for process in self._main.children(recursive=True) if "RayWorker" in process.cmdline()[0]]

    def end(self) -> None:
        """End its processes; asked in a friendly way, it takes half a minute to drain."""
        with contextlib.suppress(psutil.NoSuchProcess):
            all_of_it = [self._main, *self._main.children(recursive=True)]
            for process in all_of_it:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(all_of_it, 10)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster that is ready, from one of a few tries; it ends afterwards."""
    for _ in range(STARTS):
        cluster = Cluster(folder / "ray.log")
        try:
            if cluster.ready:
                yield cluster
                return
        finally:
            cluster.end()
    raise AssertionError(f"no Ray cluster started here: {(folder / 'ray.log').read_text()[-2000:]}")

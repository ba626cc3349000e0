"""*Interrupt Kernel* stops the work of widgets, too.

A kernel ignores the signal while no cell runs, and raises KeyboardInterrupt in a cell that does: neither is heard on
the model's thread, where widgets work.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

_stops: list[WeakMethod[Callable[[], None]]] = []


def follow(stop: Callable[[], None]) -> None:
    """Call `stop`, a bound method, at every interrupt of the kernel as long as its object lives.

    Outside of a kernel nothing is followed: a script ends when it is interrupted.
    """
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return
    _stops[:] = [*(each for each in _stops if each() is not None), WeakMethod(stop)]
    if _ran not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _ran)
    if threading.current_thread() is threading.main_thread():
        _listen(kernel)


def _listen(kernel: Any) -> None:
    """Handle the signal while no cell runs.

    ipykernel sets a handler of its own around every message, and afterwards the one that was there before: that is the
    one to be replaced.
    """
    if getattr(kernel, "saved_sigint_handler", None) is signal.SIG_IGN:
        kernel.saved_sigint_handler = _on_signal
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _on_signal)


def _on_signal(*_: Any) -> None:
    # On another thread: the main one may hold, at this very moment, what stopping needs.
    threading.Thread(target=_stop, name="cotlens-interrupt", daemon=True).start()


def _ran(result: Any) -> None:
    if isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
        _stop()


def _stop() -> None:
    for each in [*_stops]:
        if (stop := each()) is not None:
            stop()

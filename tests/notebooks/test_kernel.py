"""The editor in a real kernel, spoken to over its comm as a front end does, also while a cell runs.

Nothing may depend on the thread that a message is handled on: the main one (ipykernel 6), a subshell's beside a running
cell (7.0 to 7.3), or one or the other (7.4).
"""

import ast
import os
import time
from pathlib import Path

import pytest
from jupyter_client import KernelManager

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import cotlens as cl, time, ipykernel
model = cl.load("abacus")
trace = model.reason("Ravi has 16 shells. He finds 28 more shells. How many shells does Ravi have?", seed=1)
editor = cl.CoTEditor(model, trace)
editor.wait(300)
cuts = [span.start for span in trace.spans("sentence")]
"""
SLEEP = "end = time.monotonic() + 2\nwhile time.monotonic() < end: time.sleep(0.01)"
WRITE = (
    "texts = set()\nend = time.monotonic() + 2\n"
    "while time.monotonic() < end: texts.add(model.reason('Ravi has 3 shells.', seed=3).text)"
)


class Kernel:
    """A kernel, and the front end's side of one comm."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        path = os.pathsep.join(filter(None, [os.environ.get("COTLENS_KERNEL_PATH"), str(ROOT)]))
        self.manager.start_kernel(env={**os.environ, "PYTHONPATH": path})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)
        self.number, self.replies, self.state = 0, {}, {}

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def execute(self, code):
        """Start a cell; its message id."""
        return self.client.execute(code, store_history=False, stop_on_error=False)

    def value(self, expression):
        """The value of an expression, when the cells before it are done."""
        sent = self.client.execute("", silent=True, store_history=False, user_expressions={"value": expression})
        result = self.ended(sent)["user_expressions"]["value"]
        assert result["status"] == "ok", result
        return ast.literal_eval(result["data"]["text/plain"])

    def ended(self, sent, seconds=300):
        """The reply to a cell that was started; it must not have raised."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            reply = self.client.get_shell_msg(timeout=seconds)
            if reply["parent_header"].get("msg_id") == sent:
                assert reply["content"]["status"] == "ok", reply["content"]
                return reply["content"]
        raise TimeoutError

    def subshell(self):
        """The id of a new subshell, None where this kernel has none."""
        if "kernel subshells" not in self.info().get("supported_features", ()):
            return None
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        return self.client.get_control_msg(timeout=120)["content"]["subshell_id"]

    def info(self):
        sent = self.client.kernel_info()
        while (reply := self.client.get_shell_msg(timeout=120))["parent_header"].get("msg_id") != sent:
            continue
        return reply["content"]

    def tell(self, comm, kind, subshell=None, **fields):
        """Send the editor a message; its number."""
        self.number += 1
        content = {"request_id": self.number, "kind": kind, **fields}
        data = {"comm_id": comm, "data": {"method": "custom", "content": content}}
        message = self.client.session.msg("comm_msg", data)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return self.number

    def reply(self, number, seconds=300):
        """The reply to a message, with the traits as they came up to then in `state`."""
        end = time.monotonic() + seconds
        while number not in self.replies:
            message = self.client.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            data = message["content"].get("data", {}) if message["msg_type"] == "comm_msg" else {}
            if data.get("method") == "update":
                self.state |= data["state"]
            elif data.get("method") == "custom":
                self.replies[data["content"]["request_id"]] = data["content"]
        return self.replies[number]


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    yield kernel
    kernel.stop()


@pytest.mark.parametrize("beside", [False, True], ids=["main shell", "subshell"])
def test_messages_while_cells_run(kernel, beside):
    kernel.ended(kernel.execute(OPEN))
    comm, cuts = kernel.value("editor.view.comm.comm_id"), kernel.value("cuts")
    document = kernel.value("trace.id")
    subshell = kernel.subshell() if beside else None

    def tell(kind, **fields):
        about = {} if kind == "goto" else {"document": document}
        return kernel.tell(comm, kind, subshell, **about, **fields)

    alternatives = kernel.reply(tell("inspect", token=cuts[1]))["alternatives"]
    assert len(alternatives) > 2, "an interaction while nothing runs"
    for cell in (SLEEP, WRITE):
        before = kernel.value("len(editor.branches)")
        running = kernel.execute(cell)
        time.sleep(0.3)
        began = time.monotonic()
        asked = [tell("truncate", token=cuts[1]), tell("inspect", token=cuts[2]), tell("rerun", token=cuts[1])]
        replies = [kernel.reply(number) for number in asked]
        waited = time.monotonic() - began
        assert [reply["status"] for reply in replies] == ["ok"] * 3, replies
        assert replies[1]["token"] == cuts[2]
        kernel.ended(running)
        print(f"ipykernel {kernel.value('ipykernel.__version__')}, subshell {beside}: answered after {waited:.2f} s")
        assert kernel.value("editor.wait(300), editor.error, editor.view.job['state']") == (True, "", "done")
        assert kernel.value("len(editor.branches)") > before
        assert kernel.value(f"all(t.token_ids[:{cuts[1]}] == trace.token_ids[:{cuts[1]}] for t in editor.branches)")
        assert kernel.reply(tell("goto", branch="b0"))["status"] == "ok"
        assert kernel.value("editor.trace.id == trace.id")
    assert kernel.value("len(texts)") == 1, "what the cell wrote was not disturbed"
    assert kernel.state["job"]["state"] in ("running", "done", "idle")  # what ended was of the branch before


LONG = """
thought = "There are 16 shells in the box and 28 more on the beach. " * 110
slow = cl.Trace.from_text("How many?", thought, "44.", model=model)
begun = cl.CoTEditor(model, slow, measure="early-answer")
begun._do_measure(begun._request({"kind": "measure", "document": slow.id, "measure": "occlusion-total", "unit": "token",
                                  "confirmed": True}))
"""
INTERRUPTED = """
import sys
cl.importance.Occlusion(effect="total").run(slow, model)
"""


def stopped(kernel):
    """Whether the slow work is told to have stopped."""
    assert kernel.value("begun.wait(120)") is True
    return kernel.value("begun.view.job['state']") == "cancelled"


def test_interrupting_the_kernel_stops_the_work_of_widgets(kernel):
    kernel.ended(kernel.execute(OPEN + LONG))
    assert kernel.value("begun.view.job['state'] in ('queued', 'running')")
    time.sleep(0.5)  # no cell runs, so that the signal finds an idle kernel
    kernel.manager.interrupt_kernel()
    time.sleep(0.5)
    assert stopped(kernel)

    kernel.ended(kernel.execute(LONG))
    waiting = kernel.execute("begun.wait()")
    time.sleep(1)
    kernel.manager.interrupt_kernel()
    with pytest.raises(AssertionError, match="KeyboardInterrupt"):
        kernel.ended(waiting)
    assert stopped(kernel)

    running = kernel.execute(INTERRUPTED)
    time.sleep(2)
    kernel.manager.interrupt_kernel()
    with pytest.raises(AssertionError, match="KeyboardInterrupt"):
        kernel.ended(running)
    assert kernel.value("len(sys.last_value.partial)") == kernel.value("len(slow.spans('token'))")


def test_a_widget_whose_comm_is_closed_stops(kernel):
    kernel.ended(kernel.execute(OPEN + LONG))
    comm = kernel.value("begun.view.comm.comm_id")
    message = kernel.client.session.msg("comm_close", {"comm_id": comm, "data": {}})
    kernel.client.shell_channel.send(message)
    assert stopped(kernel)

"""The front end's side of a widget with work behind it, without a browser."""

import itertools
import json
from typing import ClassVar

from tests.unit.widgets.shapes import check_view


class FrontEnd:
    """One open widget. `sent` holds its messages from Python, which are what a front end would get."""

    requests: ClassVar = {}  # of its protocol: what can name a document is about the one that is shown
    ended: ClassVar = ("done",)  # states of a job after an action

    def __init__(self, widget):
        self.widget, self.view, self.sent = widget, widget.view, []
        self._numbers = itertools.count(1)
        self.view.send = lambda content, buffers=None: self.sent.append(content)

    def tell(self, kind, **fields):
        """Send a message; its number."""
        number = next(self._numbers)
        if "document" in self.requests.get(kind, ()):
            fields.setdefault("document", self.view.document["id"])
        self.view._handle_custom_msg(json.loads(json.dumps({"request_id": number, "kind": kind, **fields})), [])
        return number

    def ask(self, kind, **fields):
        """Send a message; its reply."""
        number = self.tell(kind, **fields)
        (reply,) = [each for each in self.sent if each["request_id"] == number]
        return reply

    def act(self, kind, **fields):
        """Send a message that is fine, and wait until all that follows is done."""
        before = self.view.job
        reply = self.ask(kind, **fields)
        assert reply["status"] == "ok", reply
        assert self.widget.wait(300)  # a busy machine is slow
        self.check_job(before)
        check_view(self.view)

    def check_job(self, before):
        """Fail if what was asked for has not been done."""
        assert self.view.job["state"] in self.ended, (self.view.job, self.widget.error)

"""A server of chat completions on loopback whose replies a test writes: what a judge may say, and how it may fail."""

from __future__ import annotations

import asyncio
import json
import re

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

SENTENCE = re.compile(r"^[0-9a-f]{8}\| ([0-9]+) (.*)$", re.MULTILINE)


class JudgeServer:
    """The server.

    Attributes:
        says: what is replied: a function of the request that gives a text, a message (dict), or (data, status).
        refuses: fields that it answers with 400.
        requests: all that came, with their headers.
        hangs: seconds before it answers.
    """

    def __init__(self):
        self.reset()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])

    def reset(self):
        self.says, self.refuses, self.requests, self.headers, self.hangs = verdict("sound"), set(), [], [], 0.0

    async def chat(self, request):
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.hangs)
        unknown = sorted(self.refuses & set(body))
        if unknown:
            return JSONResponse({"error": {"message": f"Unknown field: {unknown[0]}"}}, 400)
        said = self.says(body) if callable(self.says) else self.says
        if isinstance(said, tuple):
            return JSONResponse(*said)
        message = said if isinstance(said, dict) else {"role": "assistant", "content": said}
        finish = message.pop("finish_reason", "stop")
        return JSONResponse({"choices": [{"index": 0, "message": message, "finish_reason": finish}]})


def verdict(label, *findings, rationale="It was looked at."):
    """A reply in the form that is asked for; a finding is (quote, sentence, category)."""
    found = [
        {
            "quote": quote,
            "sentence": sentence,
            "category": category,
            "severity": 2,
            "stance": "asserts",
            "rationale": "It is wrong.",
        }
        for quote, sentence, category in findings
    ]
    return json.dumps({"findings": found, "rationale": rationale, "label": label})


def sentences(body):
    """The numbered sentences of a request: number -> text."""
    return {int(number): text for number, text in SENTENCE.findall(body["messages"][1]["content"])}

"""A server of chat completions alone, with a real model behind it, that treats a begun answer as a given kind does.

What each kind does is what the documentation of such servers says of an assistant message that comes last.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from tests.remote import dialect_server

OPENAI = {"model", "messages", "max_tokens", "temperature", "top_p", "stream", "seed", "stop"}


class Chat(dialect_server.Dialect):
    """The server.

    Attributes:
        kind: "vllm" (continue_final_message, add_generation_prompt=false; else a finished turn), "mistral" (prefix:
            true, which is repeated; other fields are refused), "deepseek" (prefix: true, a thought in
            reasoning_content; one in content comes after an empty thought), "last" (an assistant's message that is
            last), "finished" (as transformers serve), "drops", "refuses".
        parses: whether thought and answer come in two fields.
        hides: whether thoughts are given as summaries.
        keeps: the most tokens that it reads: the last ones.
        trims: whether it takes white space off a message, as many chat templates do.
        trims_reply: whether it takes it off what it writes.
    """

    def __init__(self, pair, name="tiny", context=512):
        super().__init__(pair, name, context)
        self.app = Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
            ]
        )

    def reset(self):
        super().reset()
        self.kind, self.parses, self.hides, self.keeps = "vllm", False, False, None
        self.trims = self.trims_reply = False

    async def chat(self, request):
        body = await request.json()
        self.requests.append(body)
        extra = sorted(set(body) - OPENAI) if self.kind in ("mistral", "deepseek") else []
        if self.kind == "mistral":
            extra += ["seed"] * ("seed" in body)
        if extra:
            return JSONResponse({"detail": [{"type": "extra_forbidden", "loc": ["body", *extra]}]}, 422)
        if body["model"] != self.name:
            return self._unknown(body["model"])
        if self.kind == "refuses" and body["messages"][-1]["role"] == "assistant":
            return JSONResponse({"error": {"message": "The last message must be the user's."}}, 400)
        text, begun = self._rendered(body)
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"][-(self.keeps or 10**6) :]
        asked = {**body, "max_tokens": min(body["max_tokens"], self.context - len(ids))}
        work = self._write(asked, list(ids))
        if body.get("stream"):
            return StreamingResponse(self._chat_stream(work, begun, text), media_type="text/event-stream")
        choice = {}
        async for piece in work:
            dialect_server._join(choice, piece)
        wrote = choice["text"].lstrip() if self.trims_reply else choice["text"]
        message = {"role": "assistant", **self._fields(begun + wrote, text)}
        sent = {"index": 0, "message": message, "finish_reason": choice["finish_reason"]}
        frame = self._frame([sent], len(ids), choice["_written"])
        if self.hides:
            frame["usage"]["completion_tokens_details"] = {"reasoning_tokens": 40}
        return JSONResponse(frame)

    async def _chat_stream(self, work, begun, text):
        told, whole = {"content": "", self._name: ""}, begun
        async for piece in work:
            whole += piece["text"]
            now = self._fields(whole, text)
            delta = {name: (now.get(name) or "")[len(told[name]) :] for name in told}
            told = {name: now.get(name) or "" for name in told}
            choice = {"index": 0, "delta": delta, "finish_reason": piece["finish_reason"]}
            yield f"data: {dialect_server.json.dumps(self._frame([choice]))}\n\n"
        yield "data: [DONE]\n\n"

    def _rendered(self, body):
        """The text that the model reads, and what of it is repeated in the answer."""
        messages, last = body["messages"], body["messages"][-1]
        render = self.tokenizer.apply_chat_template
        if last["role"] != "assistant":
            return render(messages, tokenize=False, add_generation_prompt=True), ""
        if self.kind == "drops":
            return render(messages[:-1], tokenize=False, add_generation_prompt=True), ""
        begun = last.get("content") or ""
        begun = begun.strip() if self.trims else begun
        asked = {
            "vllm": body.get("continue_final_message") and not body.get("add_generation_prompt", True),
            "last": True,
        }.get(self.kind, last.get("prefix"))
        if self.kind == "deepseek" and asked:
            thought = last.get("reasoning_content")
            begun = f"<think>\n{thought}" if thought else f"<think>\n\n</think>\n\n{begun}"
        if not asked or self.kind == "finished":
            return render(messages, tokenize=False, add_generation_prompt=True), ""
        text = render(messages[:-1], tokenize=False, add_generation_prompt=True)
        return text + begun, begun if self.kind == "mistral" else ""

    @property
    def _name(self):
        return "reasoning_content" if self.kind == "deepseek" else "reasoning"

    def _fields(self, written, read):
        if self.hides:
            return {"content": "", "reasoning_details": [{"type": "reasoning.summary", "summary": "It adds."}]}
        if not (self.parses or self.kind == "deepseek"):
            return {"content": written}
        name = self._name
        opened = read.rfind("<think>") > read.rfind("</think>")
        if not opened and not written.startswith("<think>"):
            return {"content": written, name: None}
        thought, _, answer = written.removeprefix("<think>").partition("</think>")
        return {name: thought.removeprefix("\n") if not opened else thought, "content": answer or None}

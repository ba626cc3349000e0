"""A server that speaks as vLLM's OpenAI-compatible one does, with a real model behind it, on loopback.

Requests and answers have the form of vLLM's `entrypoints/openai/completion`; every token and log-probability is
computed by the model when it is asked. Switches make it one that knows less, or that fails.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from transformers import DynamicCache

MOST_ALTERNATIVES = 20  # vLLM's --max-logprobs
HOTTEST = 2.0  # the highest temperature that vLLM samples at


_NOT_LLAMA_CPP = ("prompt_logprobs", "echo", "return_token_ids", "return_tokens_as_token_ids", "skip_special_tokens")
_CUT_FIRST = ("top_p", "temperature")


class Dialect:
    """The server.

    Args:
        pair: (model, tokenizer).
        name: what it calls the model.
        context: the most tokens in a sequence.

    Attributes:
        ignores: fields that it takes and does nothing about.
        refuses: fields that it answers with 422.
        takes_ids, has_tokenize: whether prompts may be token ids, and whether there is `/tokenize`.
        adds_first: whether it puts a token of its own before ids.
        text_tokenizer: what reads texts, by default the model's tokenizer.
        greedy_only: whether it samples at no temperature.
        shifted: whether log-probabilities of a prompt are those of its neighbours.
        scaled: whether log-probabilities are of the temperature that is sampled at.
        rows: whether it speaks as llama.cpp's server: fields that it doesn't know do nothing, log-probabilities come as
            rows with ids, special tokens and parts of characters not at all, and a nucleus is cut first of all.
        says: what it calls an end, by the end that it was ("stop" or "length").
        key: what requests must carry.
        step_s: pause after every token.
        faults: what happens to the next requests: "429", "500", "drop", "error", or "" for nothing.
        requests: all that came; aborted: how many were given up; most_running: how many ran at once.
    """

    def __init__(self, pair: Any, name: str = "tiny", context: int = 512) -> None:
        self.hf, self.tokenizer = pair
        self.given = name, context
        self.words: dict[int, str] = {}
        self.requests: list[dict[str, Any]] = []
        self.aborted = self.running = self.most_running = 0
        self.reset()
        routes = [
            Route("/v1/models", self.models),
            Route("/v1/completions", self.completions, methods=["POST"]),
            Route("/tokenize", self.tokenize, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def reset(self):
        """All switches as they are in vLLM."""
        self.name, self.context = self.given
        self.text_tokenizer = self.tokenizer
        self.ignores: set[str] = set()
        self.refuses: set[str] = set()
        self.takes_ids, self.has_tokenize, self.adds_first = True, True, False
        self.greedy_only = self.shifted = self.scaled = self.rows = False
        self.key, self.step_s = "", 0.0
        self.says: dict[str | None, Any] = {}
        self.faults: deque[str] = deque()

    async def models(self, request):
        if denied := self._denied(request):
            return denied
        entry = {"id": self.name, "object": "model", "owned_by": "vllm", "root": self.name, "parent": None}
        told = {"meta": {"n_ctx": self.context}} if self.rows else {"max_model_len": self.context}
        return JSONResponse({"object": "list", "data": [{**entry, **told}]})

    async def tokenize(self, request):
        if not self.has_tokenize:
            return JSONResponse({"detail": "Not Found"}, 404)
        if denied := self._denied(request):
            return denied
        body = await request.json()
        if body.get("model") != self.name:
            return self._unknown(body.get("model"))
        ids = self.text_tokenizer(body["prompt"], add_special_tokens=False)["input_ids"]
        return JSONResponse({"count": len(ids), "max_model_len": self.context, "tokens": ids, "token_strs": None})

    async def completions(self, request):
        body = await request.json()
        self.requests.append({"headers": dict(request.headers), **body})
        if denied := self._denied(request):
            return denied
        fault = self.faults.popleft() if self.faults else ""
        if fault == "429":
            return JSONResponse(self._error("Too many requests", "RateLimitError", 429), 429, {"retry-after": "0.2"})
        if fault == "500":
            return JSONResponse(self._error("Engine core died", "InternalServerError", 500), 500)
        if unknown := sorted(self.refuses & set(body)):
            return JSONResponse({"detail": f"Unexpected fields in the request: {unknown}"}, 422)
        ignored = {*self.ignores, *(_NOT_LLAMA_CPP if self.rows else ("samplers",))}
        asked = {name: value for name, value in body.items() if name not in ignored}
        if asked.get("model") != self.name:
            return self._unknown(asked.get("model"))
        prompt = asked["prompt"]
        if not isinstance(prompt, str) and not self.takes_ids:
            return JSONResponse({"detail": "prompt must be a string."}, 400)
        ids = self.text_tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else [0] * self.adds_first + prompt
        if said := self._objection(asked, ids):
            return JSONResponse(self._error(said, "BadRequestError", 400), 400)
        asked["max_tokens"] = min(asked.get("max_tokens", 16), self.context - len(ids))
        work = self._write(asked, list(ids))
        if asked.get("stream"):
            return StreamingResponse(self._stream(work, len(ids), fault), media_type="text/event-stream")
        choice: dict[str, Any] = {}
        async for piece in work:
            _join(choice, piece)
        if fault == "drop":
            return StreamingResponse(_broken(), media_type="application/json")
        return JSONResponse(self._frame([choice], len(ids), choice.pop("_written")))

    def _objection(self, asked, ids):
        """What vLLM says of a request that it doesn't run. One whose prompt leaves room is cut to what fits."""
        most, heat = asked.get("max_tokens", 16), asked.get("temperature", 1.0)
        for field in () if self.rows else ("logprobs", "prompt_logprobs"):
            if (asked.get(field) or 0) > MOST_ALTERNATIVES:
                kind = "sample" if field == "logprobs" else "prompt"
                return f"Requested {kind} logprobs of {asked[field]}, which is greater than max allowed: 20"
        if asked.get("stream") and asked.get("prompt_logprobs") is not None:
            return "`prompt_logprobs` are not available when `stream=True`."
        if not 0 <= heat <= HOTTEST:
            return f"temperature must be in [0, {HOTTEST:g}], got {heat}."
        if not ids:
            return "You must pass at least one prompt"
        if max(ids) >= self.hf.config.vocab_size:
            return f"Token id {max(ids)} is out of vocabulary"
        if most > self.context:
            said = f"max_tokens={most} cannot be greater than max_model_len={self.context}."
            return f"{said} Please request fewer output tokens."
        if len(ids) > self.context:
            said = f"This model's maximum context length is {self.context} tokens. However, your prompt contains"
            return f"{said} {len(ids)} input tokens, which exceeds this limit even without any output tokens."
        return "max_tokens must be at least 1, got 0." if min(most, self.context - len(ids)) < 1 else ""

    async def _stream(self, work, read, fault):
        async for piece in work:
            written = piece.pop("_written")
            yield f"data: {json.dumps(self._frame([piece], self.rows * read, written))}\n\n"
            if fault == "drop" and written == 2:
                raise ConnectionResetError
            if fault == "error" and written == 2:
                yield f"data: {json.dumps(self._error('Engine core died', 'InternalServerError', 500))}\n\n"
                return
        yield "data: [DONE]\n\n"

    async def _write(self, asked, ids):
        """Pieces of one choice, a token each, the first with what is said of the prompt."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            k = asked.get("logprobs")
            generator = torch.Generator().manual_seed(asked["seed"]) if asked.get("seed") is not None else None
            logits, cache = self._forward(ids, None)
            piece = self._about_prompt(asked, ids, logits)
            stops = set(asked.get("stop_token_ids") or ())
            written, told = [], ""
            for step in range(asked.get("max_tokens", 16)):
                row = logits[-1]
                token = self._choose(row, asked, generator)
                eos = token == self.tokenizer.eos_token_id
                ended = eos or token in stops
                last = ended or step + 1 == asked.get("max_tokens", 16)
                finish = "stop" if ended else "length" if last else None
                written += [] if ended else [token]
                text = self.tokenizer.decode(written, skip_special_tokens=self.rows)
                fresh = "" if text.endswith("\ufffd") else text[len(told) :]  # a letter's first bytes wait for its last
                told += fresh
                new = {"text": fresh, "finish_reason": self.says.get(finish, finish)}
                new |= {"stop_reason": token if ended and not eos else None, "_written": step + 1}
                if k is not None and self.rows:
                    new["logprobs"] = {"content": [] if text.endswith("\ufffd") else [self._row(token, row, k, fresh)]}
                elif k is not None:
                    new["logprobs"] = self._table(asked, [token], [self._scaled(row, asked)], k)
                if asked.get("return_token_ids"):
                    new["token_ids"] = [token]
                _join(piece, new)
                yield {"index": 0, **piece}
                await asyncio.sleep(self.step_s)
                if last:
                    return
                piece = {}
                logits, cache = self._forward([token], cache)
        except (GeneratorExit, asyncio.CancelledError):
            self.aborted += 1
            raise
        finally:
            self.running -= 1

    def _about_prompt(self, asked, ids, logits):
        told = asked.get("return_token_ids")
        piece: dict[str, Any] = {"text": "", "token_ids": [] if told else None}
        piece["prompt_token_ids"] = ids if told else None
        rows = [None, *torch.log_softmax(logits[:-1].float(), -1)]
        sent = [*ids[1:], ids[0]] if self.shifted else ids
        if (k := asked.get("prompt_logprobs")) is not None:
            table = [
                None if row is None else self._ranked(row, token, k) for row, token in zip(rows, sent, strict=True)
            ]
            piece["prompt_logprobs"] = table
        if asked.get("echo"):
            piece["text"] = self.tokenizer.decode(ids)
            if asked.get("logprobs") is not None:
                piece["logprobs"] = self._table(asked, sent, rows, asked["logprobs"])
        return piece

    def _ranked(self, row, token, k):
        best = torch.topk(row, max(1, k)).indices.tolist()[:k]
        listed = list(dict.fromkeys([token, *best]))
        values = row[listed]
        ranks = (row > values[:, None]).sum(-1) + 1
        return {
            str(one): {"logprob": value, "rank": rank, "decoded_token": self._word(one)}
            for one, value, rank in zip(listed, values.tolist(), ranks.tolist(), strict=True)
        }

    def _word(self, token):
        if token not in self.words:
            self.words[token] = self.tokenizer.decode([token])
        return self.words[token]

    def _table(self, asked, tokens, rows, k):
        def word(token):
            return f"token_id:{token}" if asked.get("return_tokens_as_token_ids") else self._word(token)

        values, tops = [], []
        for token, row in zip(tokens, rows, strict=True):
            values.append(None if row is None else float(row[token]))
            best = [] if row is None else [token, *torch.topk(row, max(1, k)).indices.tolist()[:k]]
            tops.append(None if row is None else {word(one): float(row[one]) for one in best})
        words = [word(token) for token in tokens]
        return {"tokens": words, "token_logprobs": values, "top_logprobs": tops, "text_offset": [0] * len(words)}

    def _row(self, token, row, k, text):
        chances = torch.log_softmax(row.float(), -1)
        best = torch.topk(chances, min(k, len(chances))).indices.tolist()
        tops = [{"id": one, "token": self._word(one), "logprob": float(chances[one])} for one in best]
        return {"id": token, "token": text, "logprob": float(chances[token]), "top_logprobs": tops}

    def _scaled(self, row, asked):
        heat = asked.get("temperature", 1.0) if self.scaled else 1.0
        return torch.log_softmax(row.float() / (heat or 1.0), -1)

    def _choose(self, row, asked, generator):
        heat = 0.0 if self.greedy_only else asked.get("temperature", 1.0)
        row = row.double()
        for token, bias in (asked.get("logit_bias") or {}).items():
            row[int(token)] += bias
        if heat == 0:
            return int(row.argmax())
        if self.rows:
            return self._in_order(row, asked, generator)
        chances, order = torch.softmax(row / heat, -1).sort(descending=True)
        most = asked.get("top_k", -1)
        chances = chances if most < 1 else chances * (chances >= chances[min(most, len(chances)) - 1])
        kept = chances.cumsum(-1) - chances < asked.get("top_p", 1.0) * chances.sum()
        return int(order[torch.multinomial(chances * kept, 1, generator=generator)])

    def _in_order(self, row, asked, generator):
        for step in asked.get("samplers", _CUT_FIRST):
            if step == "temperature":
                row = row / asked.get("temperature", 1.0)
            elif step == "top_p":
                chances, order = torch.softmax(row, -1).sort(descending=True)
                row[order[chances.cumsum(-1) - chances >= asked.get("top_p", 1.0)]] = -torch.inf
        return int(torch.multinomial(torch.softmax(row, -1), 1, generator=generator))

    @torch.no_grad()
    def _forward(self, ids, cache):
        cache = DynamicCache() if cache is None else cache
        out = self.hf(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True)
        return out.logits[0], cache

    def _frame(self, choices, read=0, written=0):
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        frame = {"id": "cmpl-1", "object": "text_completion", "created": 0, "model": self.name, "choices": choices}
        return {**frame, "usage": usage if read else None}

    def _denied(self, request):
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            said = f"Incorrect API key provided: {request.headers.get('authorization', '')}"
            return JSONResponse(self._error(said, "AuthenticationError", 401), 401)
        return None

    def _unknown(self, name):
        said = f"The model `{name}` does not exist. Valid aliases: {self.name}."
        return JSONResponse(self._error(said, "NotFoundError", 404), 404)

    @staticmethod
    def _error(message, kind, code):
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _join(piece: dict[str, Any], new: dict[str, Any]) -> None:
    """Add what is new of a choice to what there is."""
    for name, value in new.items():
        old = piece.get(name)
        if name == "logprobs" and old:
            piece[name] = {column: old[column] + value[column] for column in old}
        elif name in ("text", "token_ids") and old is not None:
            piece[name] = old + value
        else:
            piece[name] = value


async def _broken():
    yield b'{"id": "cmpl-1", '
    raise ConnectionResetError


@contextmanager
def serving(server: Dialect):
    """The address of `server` while it runs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(server.app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        running.should_exit = running.force_exit = True
        thread.join()
        listener.close()

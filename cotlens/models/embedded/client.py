"""Requests to the engine in the words of a completions endpoint, and its answers in the same."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core import control
from cotlens._core.errors import BackendError
from cotlens.models.endpoint.client import Body, OnData
from cotlens.models.endpoint.errors import ServerRefusal

_SAMPLING = (
    "max_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed", "stop_token_ids", "logprobs",
    "prompt_logprobs", "skip_special_tokens", "spaces_between_special_tokens",
)  # fmt: skip


@dataclass
class EngineClient:
    """An engine, asked as `endpoint.client.Client` asks a server. On the thread that owns the model.

    Args:
        engine: nnsight's.
        together: requests at once.
    """

    engine: Any
    together: int
    endpoint: str = "this process"

    def listed(self) -> list[Mapping[str, Any]]:
        """Nothing: an engine has one model, which it doesn't name."""
        return []

    def ask(self, body: Body, path: str = "/completions") -> Any:
        """The answer to one request; ServerRefusal if the engine doesn't take it."""
        answers: list[Any] = []
        self.ask_all([body], lambda _, data: answers.append(data))
        return answers[-1]

    def ask_root(self, body: Body, path: str) -> Any:
        """Refused: an engine has nothing beside its completions."""
        raise ServerRefusal(f"An embedded engine has no {path}.", 404, "Not Found")

    def ask_all(
        self, bodies: Sequence[Body], on_data: OnData, together: int | None = None, path: str = "/completions"
    ) -> None:
        """Send requests; `on_data(place, data)` gets their answers as they come, those with "stream" piece by piece.

        Raises:
            ServerRefusal: the engine doesn't take one of them.
            BackendError: what was to happen inside the model failed.
            Cancelled: by whoever controls the work. Then no request is left running.
        """
        core = self.engine.vllm_entrypoint.llm_engine
        waiting, running = deque(enumerate(bodies)), dict[str, int]()
        try:
            while waiting or running:
                control.current().check()
                while waiting and len(running) < min(together or self.together, self.together):
                    place, body = waiting.popleft()
                    running[self._add(core, body)] = place
                for output in core.step():
                    place = running.pop(output.request_id) if output.finished else running[output.request_id]
                    if failed := getattr(output, "nnsight_error", None):
                        raise BackendError(f"What was to happen inside the model failed ({failed['message']}).")
                    on_data(place, _answer(output))
        finally:
            core.abort_request(list(running))

    def _add(self, core: Any, body: Body) -> str:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        given = {name: body[name] for name in _SAMPLING if body.get(name) is not None}
        kind = RequestOutputKind.DELTA if body.get("stream") else RequestOutputKind.FINAL_ONLY
        edits, name = list(body.get("edits", ())), uuid.uuid4().hex
        prompt: Any = body["prompt"]
        if not isinstance(prompt, str):
            # keys and values of a prefix serve all requests that begin with it and are changed alike
            prompt = {"prompt_token_ids": list(prompt), "cache_salt": edits[0] if edits else "plain"}
        try:
            settings = SamplingParams(**given, output_kind=kind, extra_args={"nnsight_edits": edits})
            core.add_request(name, prompt, settings)
        except ValueError as error:
            said = " ".join(str(error).split())
            raise ServerRefusal(f"The vLLM engine refused a request ({said}).", 400, said) from error
        return name


def _answer(output: Any) -> dict[str, Any]:
    """What a server would have sent, and under "saves" what was kept inside the model."""
    choices = [_choice(part) for part in output.outputs]
    if output.prompt_logprobs is not None:
        choices[0]["prompt_logprobs"] = [
            None if place is None else {token: {"logprob": entry.logprob} for token, entry in place.items()}
            for place in output.prompt_logprobs
        ]
    written = sum(len(part.token_ids) for part in output.outputs)
    usage = {"prompt_tokens": len(output.prompt_token_ids), "completion_tokens": written}
    usage["cached_tokens"] = output.num_cached_tokens or 0
    return {"choices": choices, "usage": usage, "saves": getattr(output, "saves", {})}


def _choice(part: Any) -> dict[str, Any]:
    ids = list(part.token_ids)
    choice = {"text": part.text, "token_ids": ids, "finish_reason": part.finish_reason, "stop_reason": part.stop_reason}
    if part.logprobs is not None:
        places: list[Mapping[int, Any]] = list(part.logprobs)[-len(ids) :] if ids else []
        choice["logprobs"] = {
            "tokens": [f"token_id:{token}" for token in ids],
            "token_logprobs": [place[token].logprob for token, place in zip(ids, places, strict=True)],
            "top_logprobs": [{f"token_id:{one}": found.logprob for one, found in place.items()} for place in places],
        }
    return choice

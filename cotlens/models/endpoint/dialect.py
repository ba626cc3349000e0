"""How one server is spoken to: what it takes, what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.endpoint.errors import BY_TOKENS
from cotlens.models.endpoint.reply import PartialCompletion
from cotlens.models.generation.sampling import Sampling
from cotlens.models.model_config import Defaults

FORCED = "forced"
"""How a server measures a token that has no log-probabilities of prompts: it is made to write it."""
SEEDS = 2**31  # how many seeds every server tells apart
_ALL = 10**6  # more tokens than a vocabulary has
SURELY = 100  # added to a token's logit, it outweighs all others; the most that OpenAI allows
_GREEDY = 1e-5  # the temperature below which vLLM takes the most probable token


@dataclass(frozen=True)
class TextPrompt:
    """A prompt for a server that takes text.

    Args:
        text: what it is sent.
        rest: white space that comes next, which the server has to write itself: at the end of a text many tokenizers
            make one token of two line ends, which no model has read before a word.
        held: how many tokens that is.
    """

    text: str
    rest: str = ""
    held: int = 0


@dataclass(frozen=True)
class Dialect:
    """What was found out about a server by trying; see `probing.probe`.

    Args:
        model: the name it serves the model by.
        ids: whether prompts go as token ids; else as text.
        extras: fields beyond OpenAI's that it takes, sent with every request.
        tells_ids: whether what it writes comes back as token ids; else it is tokenised again here.
        alternatives: how many best tokens come with each that it writes; 0 for not even a log-probability.
        raw: whether those are of temperature 1 whatever the temperature was.
        prompt: how log-probabilities of a prompt are had: "prompt_logprobs", "echo", token by token as `FORCED`, or ""
            for not at all.
        best: how many best tokens of a prompt's places may be asked for: what sums over sets of tokens are made of.
        samples: whether a temperature changes anything.
        seeds: "together" if a seed gives the same text again, "alone" if only while nothing else runs, else "".
        path: where it is asked, below the endpoint.
    """

    model: str
    ids: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)
    tells_ids: bool = False
    alternatives: int = 0
    raw: bool = False
    prompt: str = ""
    best: int = 2
    samples: bool = True
    seeds: str = ""
    path: str = "/completions"

    def body(self, prompt: Any, most: int, **more: Any) -> dict[str, Any]:
        """A request for up to `most` tokens after a prompt: token ids, or a text."""
        if isinstance(prompt, TextPrompt):
            prompt, most = prompt.text, most + prompt.held
        sent = prompt if isinstance(prompt, str | list) else list(prompt)
        return {"model": self.model, "prompt": sent, "max_tokens": most, **self.extras, **more}

    def reply(self, where: str, prompt: Any) -> PartialCompletion:
        """What collects the reply to a prompt as it comes."""
        held = prompt if isinstance(prompt, TextPrompt) else TextPrompt("")
        return PartialCompletion(where, rest=held.rest, held=held.held)

    def scoring(self, prompt: Sequence[int], k: int, *, other: int | None = None) -> dict[str, Any]:
        """A request for the log-probabilities of a prompt's tokens and of the k best in their places.

        A server that is made to write a token says that of the prompt's last one; `other` is written in its place, and
        all that was likely is asked for, because llama.cpp says nothing of a part of a character.
        """
        greedy = {"temperature": 0, "stream": False}
        if self.prompt == FORCED:
            token, k = (prompt[-1], k) if other is None else (other, _ALL)
            return self.body(prompt[:-1], 1, logprobs=k, logit_bias={str(token): SURELY}, **greedy)
        if self.prompt == "echo":
            return self.body(prompt, 1, echo=True, logprobs=k, **greedy)
        return self.body(prompt, 1, prompt_logprobs=k, **greedy)

    def limits(self) -> list[str]:
        """What this server can't do that others can, each as a part of a sentence, to be said when it is loaded."""
        return []

    def sentence(self) -> str:
        """How this server scores, as `score_path` has it."""
        if self.prompt == FORCED:
            how = "one request per token to a server that says how likely a token was that it is made to write"
            return f"{how}; what ends a value is bounded by the {self.best} likeliest tokens"
        if self.prompt:
            how = f"one request per text to a server that gives {self.prompt}, held to the token ids that were sent"
            return f"{how}; what ends a value is bounded by the {self.best} likeliest tokens"
        why = "gives no log-probabilities of a prompt" if self.ids else "takes text only, not token ids"
        return f"no scoring, because the server {why}"

    def follows(self, defaults: Defaults) -> Defaults:
        """How a model is sampled here by default: a server that doesn't know top_k isn't sent it."""
        if not defaults.top_k or "top_k" in self.extras:
            return defaults
        return replace(defaults, top_k=0, ignored={**defaults.ignored, "top_k": defaults.top_k})

    def sampling(self, sampling: Sampling) -> dict[str, float | int]:
        """The fields of a request that say how to sample.

        Raises:
            CapabilityError: the server doesn't know top_k.
        """
        cold = sampling.temperature < _GREEDY
        fields: dict[str, float | int] = {"temperature": 0 if cold else sampling.temperature, "top_p": sampling.top_p}
        if sampling.top_k and not cold:
            if "top_k" not in self.extras:
                raise CapabilityError(
                    f"The server doesn't know top_k, so top_k={sampling.top_k} can't be followed; give top_k=0, or use "
                    "a server that does (vLLM, SGLang, llama.cpp)."
                )
            fields["top_k"] = sampling.top_k
        return fields

    def about(self) -> dict[str, Any]:
        """What a trace says of how it came here."""
        notes = []
        if not self.tells_ids:
            notes.append(
                "The server gives text, so its tokens are those that the tokenizer makes of it here; bytes that are no "
                "text are lost."
            )
        if not self.seeds:
            notes.append("The server honours no seeds, so the same text can't be had again.")
        how = {"token_ids": "from the server" if self.tells_ids else "re-tokenised", "seeded": bool(self.seeds)}
        return {**how, "notes": notes} if notes else how


def as_text(codec: HFCodec, ids: Sequence[int]) -> TextPrompt:
    """The text that a server which takes no ids must be sent to read these; white space may be left out at its end.

    Raises:
        InputError: its tokenizer would make others of it.
    """
    bos = codec.bos
    body = list(ids)[len(bos) :] if list(ids[: len(bos)]) == bos else []
    for held, text, rest in endings(codec.pieces(body)):
        if codec.encode_template(text) == body[: len(body) - held]:
            return TextPrompt(text, rest, held)
    raise other_tokens("text", codec, body, len(bos) if body else 0)


def endings(pieces: Sequence[bytes]) -> Iterator[tuple[int, str, str]]:
    """The ways to leave white space at the end of a text to whoever goes on: tokens left out, text, what comes next."""
    for held in range(len(pieces)):
        n = len(pieces) - held
        with suppress(UnicodeDecodeError):  # a cut through a character is no text
            yield held, b"".join(pieces[:n]).decode(), b"".join(pieces[n:]).decode()
        if b"".join(pieces[n - 1 :]).decode("utf-8", "ignore").strip():
            return


def other_tokens(takes: str, codec: HFCodec, ids: Sequence[int], before: int = 0) -> InputError:
    """The error of tokens that no text stands for: a server that `takes` "text" or "messages" reads others.

    Args:
        before: how many tokens stand before `ids`.
    """
    text = b"".join(codec.pieces(ids)).decode("utf-8", "replace")
    pairs = enumerate(zip(codec.encode_template(text), ids, strict=False))
    at = next((i for i, (made, meant) in pairs if made != meant), max(0, len(ids) - 1))
    return InputError(
        f"This server takes {takes} only, and this text comes back as other tokens from token {before + at} on; cut or "
        f"edit it at the end of a word, or {BY_TOKENS}."
    )

"""Whether two sentences say the same: cosine similarity under a named embedder.

- "sentence-transformers/<name>" or any name that sentence-transformers knows, such as "all-MiniLM-L6-v2" (the one of
  Thought Anchors): needs that package.
- "residual": the model's own residual stream. Texts in one place (`instead`) are told apart by what the model makes of
  the tokens that follow: its stream after the last layer, the smallest cosine over the next tokens of the trace,
  centred on the mean over its thought. Two wordings of one thing leave them as they were; another choice stands out
  where the text goes on to speak of it. Texts that stand elsewhere (`to`) are read by themselves: the mean over their
  tokens after the middle layer (the lower one of two), centred on the mean of the trace's own units, which hardly
  tells "the red bag" from "the blue bag".
- "exact": 1 for the same text, else 0.
- a function from a list of n texts to an array [n, width].

"auto" is all-MiniLM-L6-v2 where sentence-transformers is installed, else "residual".
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.measure.importance.shared import units
from cotlens.models.contract import Capability, Model
from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering
from cotlens.trace.splitting.splitters import split

MINILM = "all-MiniLM-L6-v2"
THRESHOLD = 0.8
PACKAGE = "sentence_transformers"
AHEAD = 64  # tokens that follow a unit and are looked at, at most

Texts = Callable[[Sequence[str]], Any]
Embed = str | Texts
Vectors = NDArray[np.float64]


def resolved(embedder: Embed) -> Embed:
    """The embedder that a setting means.

    Raises:
        InputError: it is neither a name nor a function.
        CapabilityError: it needs sentence-transformers, which isn't installed.
    """
    if callable(embedder):
        return embedder
    if not isinstance(embedder, str) or not embedder:
        raise InputError(
            f"{embedder!r} is no embedder: give 'auto', 'residual', 'exact', the name of a sentence-transformers "
            "model, or a function from texts to vectors."
        )
    there = importlib.util.find_spec(PACKAGE) is not None
    if embedder == "auto":
        return MINILM if there else "residual"
    if embedder not in ("residual", "exact") and not there:
        raise CapabilityError(
            f"The embedder {embedder!r} needs the package sentence-transformers, which is not installed: run pip "
            "install 'cotlens[embed]', or choose embedder='residual' (the model's own) or 'exact'."
        )
    return embedder


def needs_of(embedder: Embed) -> Capability:
    """What a model must be able to do for `embedder`."""
    return Capability.GENERATE | Capability.READ if resolved(embedder) == "residual" else Capability.GENERATE


class Similarity:
    """Cosines between texts; every text is embedded once, and once in each place where it is said.

    Args:
        embedder: as `resolved` gives it.
        centre: the trace's units, for residual embeddings of texts by themselves.
    """

    def __init__(self, embedder: Embed, model: Model, trace: Trace, centre: Sequence[str]) -> None:
        self._embedder, self._model, self._trace = embedder, model, trace
        self._vectors: dict[str, Vectors] = {}
        self._places: dict[Span, dict[str, float]] = {}
        self._units = list(centre)
        self._centre: Vectors | None = None if embedder == "residual" else np.zeros(1)

    def to(self, reference: str, others: Sequence[str]) -> Vectors:
        """Cosine of each of `others` with `reference`, float64 [n]; 0 where either is empty."""
        texts = [text.strip() for text in (reference, *others)]
        if self._embedder == "exact":
            return np.array([float(text == texts[0] != "") for text in texts[1:]])
        new = [text for text in dict.fromkeys(texts) if text and text not in self._vectors]
        if self._centre is None:
            self._centre = self._embed(self._units).mean(axis=0)
        for text, vector in zip(new, self._embed(new), strict=True):
            self._vectors[text] = _unit(vector - self._centre)
        if not texts[0]:
            return np.zeros(len(others))
        first = self._vectors[texts[0]]
        return np.array(
            [1.0 if text == texts[0] else first @ self._vectors[text] if text else 0.0 for text in texts[1:]]
        )

    def instead(self, span: Span, others: Sequence[str]) -> Vectors:
        """Cosine of each of `others` with the unit `span`, in whose place it is said, float64 [n]."""
        own = self._trace.text[span.char_start : span.char_end]
        if self._embedder != "residual":
            return self.to(own, others)
        known = self._places.setdefault(span, {"": 0.0, own.strip(): 1.0})
        new = [text for text in dict.fromkeys(text.strip() for text in others) if text not in known]
        if new:
            known.update(zip(new, self._read_on(span, new), strict=True))
        return np.array([known[text.strip()] for text in others])

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, 1))
        if self._embedder == "residual":
            return np.stack([self._residual(text) for text in texts])
        found = np.asarray(self._sentence_transformer(texts) if isinstance(self._embedder, str) else
                           self._embedder(texts), dtype=np.float64)  # fmt: skip
        if found.ndim != 2 or len(found) != len(texts):
            raise InputError(
                f"The embedder gave an array of shape {found.shape} for {len(texts)} texts: it must give one row each."
            )
        return found

    def _residual(self, text: str) -> Vectors:
        control.current().check()
        ids = list(self._model.codec.encode(text))
        site = f"resid_post.{(self._model.n_layers - 1) // 2}"
        return self._model.read(ids, site)[site].astype(np.float64).mean(axis=0)

    def _read_on(self, span: Span, texts: Sequence[str]) -> list[float]:
        """The smallest cosine over the tokens that follow; over the text's own last one where none does."""
        trace, thought = self._trace, self._trace.roles["thought"]
        ids, rest = trace.token_ids, trace.token_ids[span.end : span.end + AHEAD]
        gap = trace.text[int(trace.offsets[span.start]) : span.char_start]
        first, end = min(thought.start, span.end - 1), span.end + len(rest)
        whole = self._last_layer(ids[: max(end, thought.end)], first)
        centre = whole[thought.start - first : thought.end - first].mean(axis=0)
        after, last = whole[span.end - first : end - first], whole[span.end - 1 - first : span.end - first]
        found = []
        for text in texts:
            before = [*ids[: span.start], *self._model.codec.encode(gap + text)][: self._model.context_length]
            fits = rest[: self._model.context_length - len(before)]
            other = self._last_layer([*before, *fits], len(before) - (not fits))
            pairs = zip(after if fits else last, other, strict=False)
            found.append(min(float(_unit(a - centre) @ _unit(b - centre)) for a, b in pairs))
        return found

    def _last_layer(self, ids: Sequence[int], first: int) -> Vectors:
        control.current().check()
        site = f"resid_post.{self._model.n_layers - 1}"
        return self._model.read(list(ids), site, positions=range(first, len(ids)))[site].astype(np.float64)

    def _sentence_transformer(self, texts: Sequence[str]) -> Any:
        encoder = _encoder(str(self._embedder))
        return encoder.encode(list(texts), show_progress_bar=False)


_ENCODERS: dict[str, Any] = {}


def _encoder(name: str) -> Any:
    if name not in _ENCODERS:
        package: Any = importlib.import_module(PACKAGE)
        try:
            _ENCODERS[name] = package.SentenceTransformer(name)
        except (OSError, ValueError) as error:
            raise BackendError(
                f"The embedder {name!r} could not be loaded ({str(error).splitlines()[0][:120]}): check its name and "
                "the network, or choose embedder='residual'."
            ) from error
    return _ENCODERS[name]


def units_from(rollout: Trace, at: int, unit: str, like: int = 0) -> list[tuple[str, int]]:
    """What a rollout says from token `at` on, cut into units: (text, first token), within its thought.

    Args:
        like: for spans given by hand, how many tokens the first one has; the rest is not cut.
    """
    thought = rollout.roles.get("thought")
    if thought is None or at >= thought.end:
        return []
    start = int(rollout.offsets[at])
    if unit == units.GIVEN:
        end = int(rollout.offsets[min(at + like, thought.end)])
        return [(rollout.text[start:end].strip(), at)]
    text = rollout.text[start : thought.char_end]
    return [
        (text[low:high], max(at, tokens_covering(rollout.offsets, start + low, start + high)[0]))
        for low, high in split(text, unit)
    ]


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector

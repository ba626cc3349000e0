"""Whether two sentences say the same: cosine similarity under a named embedder.

- "sentence-transformers/<name>" or any name that sentence-transformers knows, such as "all-MiniLM-L6-v2" (the one of
  Thought Anchors): needs that package.
- "residual": the model's own residual stream after its middle layer (the lower one of two), mean over the sentence's
  tokens, the sentence read by itself; centred on the mean of the trace's own units.
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
from cotlens.measure.importance import units
from cotlens.models.contract import Capability, Model
from cotlens.trace import Trace
from cotlens.trace.align import tokens_covering
from cotlens.trace.splitters import split

MINILM = "all-MiniLM-L6-v2"
THRESHOLD = 0.8
PACKAGE = "sentence_transformers"

Texts = Callable[[Sequence[str]], Any]
Embed = str | Texts
Vectors = NDArray[np.float64]


def settled(embedder: Embed) -> Embed:
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
            f"The embedder {embedder!r} needs the package sentence-transformers, which is not installed: run `pip "
            "install sentence-transformers`, or choose embedder='residual' (the model's own) or 'exact'."
        )
    return embedder


def needs_of(embedder: Embed) -> Capability:
    """What a model must be able to do for `embedder`."""
    return Capability.GENERATE | Capability.READ if settled(embedder) == "residual" else Capability.GENERATE


class Similarity:
    """Cosines between texts; every text is embedded once.

    Args:
        embedder: as `settled` gives it.
        trace: its units are the centre of residual embeddings.
    """

    def __init__(self, embedder: Embed, model: Model, trace: Trace, centre: Sequence[str]) -> None:
        self._embedder, self._model, self._trace = embedder, model, trace
        self._vectors: dict[str, Vectors] = {}
        self._centre = np.zeros(1)
        if embedder == "residual":
            self._centre = self._embed(list(centre)).mean(axis=0)

    def to(self, reference: str, others: Sequence[str]) -> Vectors:
        """Cosine of each of `others` with `reference`, float64 [n]; 0 where either is empty."""
        texts = [text.strip() for text in (reference, *others)]
        if self._embedder == "exact":
            return np.array([float(text == texts[0] != "") for text in texts[1:]])
        new = [text for text in dict.fromkeys(texts) if text and text not in self._vectors]
        for text, vector in zip(new, self._embed(new), strict=True):
            self._vectors[text] = _unit(vector - self._centre)
        if not texts[0]:
            return np.zeros(len(others))
        first = self._vectors[texts[0]]
        return np.array(
            [1.0 if text == texts[0] else first @ self._vectors[text] if text else 0.0 for text in texts[1:]]
        )

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


def said(rollout: Trace, at: int, unit: str, like: int = 0) -> list[tuple[str, int]]:
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

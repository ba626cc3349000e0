"""The half of a model that is about thinking in latents, or in depth: refused by every backend, but those that can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core import check
from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract import Capability, Decoded, Depth, LatentFormat, LatentRow, LatentRun
from cotlens.models.contract.capability import remedy
from cotlens.models.contract.depth import need_depth
from cotlens.models.contract.feedback import Floats, Mixture
from cotlens.models.contract.interventions import Intervention
from cotlens.models.contract.latents import check_thought_by, inputs_of
from cotlens.models.contract.validation import checked_targets
from cotlens.trace import Trace

T = TypeVar("T")


class LatentThinking:
    """What a trace's latents are to a model; see `contract.LatentFormat`."""

    name: str
    backend: str
    latent_format: LatentFormat | None = None
    depth: Depth | None = None

    @property
    def revision(self) -> str:
        """Which weights, as it was loaded."""
        raise NotImplementedError

    @property
    def weights(self) -> str:
        """Which they are now."""
        raise NotImplementedError

    def _run(self, fn: Callable[[], T]) -> T:
        """Run `fn` on the thread that owns the model."""
        raise NotImplementedError

    def _own(self, trace: Trace) -> None:
        """Refuse a trace of another model."""
        raise NotImplementedError

    def _latent_inputs(self, trunk: Trace | Sequence[int], upto: int | None = None) -> tuple[Intervention, ...]:
        """What the latents of a trace before token `upto` are to the model, as interventions."""
        if self.latent_format is None or not isinstance(trunk, Trace):
            return ()
        return inputs_of(self.latent_format, trunk, upto)

    def _can_think(self) -> LatentFormat:
        """How it thinks in latents; CapabilityError where it can't."""
        if self.latent_format is None:
            raise CapabilityError(f"{self.name!r} can't think in latents: {remedy(Capability.LATENT, self.backend)}.")
        return self.latent_format

    def think(self, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
        """The thought of a trace with latents, once for each row, with other vectors in place of some of them.

        Args:
            rows: see `contract.LatentRow`; all go in lockstep, at the cost of a pass over one position per latent.

        Raises:
            InputError: a row can't be run on this trace.
            CapabilityError: this model doesn't think in latents.
        """
        self._own(trace)
        self._can_think()
        return self._run(lambda: self._thought(trace, rows))

    def _thought(self, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
        """The runs of rows, on the owner thread; backends that think in latents have it."""
        raise NotImplementedError

    def decode_latents(self, latents: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What latents say by the output embedding, as a word's last hidden state does: a lens without a second norm.

        Of soft latents these are their own tokens and probabilities.

        Args:
            latents: float32 [n, d_model], as `trace.latents` has them; a rotation is undone first.
            targets, k: as for `decode`.

        Raises:
            InputError: the latents have another width, or targets are not ids of this model, a row per latent.
            CapabilityError: this model doesn't think in latents, or its end is not known.
        """
        form, own = self._can_think(), check.array("latents", latents).astype(np.float32)
        if not np.isfinite(own).all():
            raise InputError("These latents hold NaN or infinite values, which say nothing; give finite ones.")
        follow, best = checked_targets(targets, len(own)), check.whole("k", k, 0)
        if isinstance(form.feedback, Mixture):
            return form.feedback.decoded(own, follow, best)
        given = form.read(own)
        return self._run(lambda: self._decode_latents(given, follow, best))

    def _decode_latents(self, vectors: Floats, targets: NDArray[np.int64], k: int) -> Decoded:
        """What hidden states that passed the final norm say, on the owner thread."""
        raise NotImplementedError

    def at_depth(self, steps: int, *, seed: int | None = None) -> Any:
        """The same model with another number of steps in depth, or another first state; its weights are shared.

        Args:
            steps: through the loop; 1 to as many as it was trained with.
            seed: of the first state, in families that draw it.

        Raises:
            InputError: it wasn't trained with as many steps, or draws no state.
            CapabilityError: this model goes through its layers once.
        """
        depth = need_depth(self)
        return self._deepened(depth.count(steps), depth.draw(seed))

    def _deepened(self, steps: int, seed: int | None) -> Any:
        """The model of checked settings; backends that think in depth have it."""
        raise NotImplementedError

    def _own_latents(self, trace: Trace) -> None:
        """Refuse a trace with latents of another model."""
        if not len(trace.latents):
            return
        width = self._can_think().feedback.width
        check_thought_by(trace, self)
        if width not in (None, trace.latents.shape[1]):
            raise InputError(
                f"The latents of this trace are {trace.latents.shape[1]} wide, and those of {self.name!r} {width}; use "
                "the model that it was thought by."
            )

    def _words(self, ids: list[int]) -> tuple[int, ...]:
        """Token ids that were given without a trace; those of latents say nothing by themselves."""
        if self.latent_format is not None and self.latent_format.token in ids:
            raise InputError(
                f"Token {self.latent_format.token} stands for a latent, whose vector these ids don't hold; give the "
                "trace itself."
            )
        return tuple(ids)
